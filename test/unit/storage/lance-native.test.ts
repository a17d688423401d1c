import { expect, test } from 'vitest'
import { hideStores } from '../../../src/storage/lance-native.js'

test('only the settings of other stores are removed from the environment', () => {
  const kept = { PATH: '/bin', HOME: '/root', VICINAL_API_KEY: 'key', HTTPS_PROXY: 'http://proxy', LAWS_OF: 'x' }
  const environment: NodeJS.ProcessEnv = {
    ...kept,
    AWS_ACCESS_KEY_ID: 'a',
    aws_secret_access_key: 'b',
    AWS_WEB_IDENTITY_TOKEN_FILE: 'c',
    AZURE_STORAGE_ACCOUNT_KEY: 'd',
    GOOGLE_APPLICATION_CREDENTIALS: 'e',
    IDENTITY_ENDPOINT: 'f',
  }
  hideStores(environment)
  expect(environment).toEqual({ ...kept, AWS_EC2_METADATA_DISABLED: 'true' })
})

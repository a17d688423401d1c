import { isAbsolute } from 'node:path'
import { fileURLToPath } from 'node:url'
import { invalid } from '../core/errors.js'

/** Where an object store keeps a database. */
export type StoreAddress =
  | { kind: 'file'; url: string; folder: string }
  | { kind: 's3'; url: string; bucket: string; prefix: string; access: S3Access }

/** How to reach an S3 store; null means the engine's default. */
export interface S3Access {
  endpoint: string | null
  region: string
  accessKeyId: string | null
  secretAccessKey: string | null
  sessionToken: string | null
}

const EXPECTED = 'expected file:///folder or s3://bucket/prefix'
const BUCKET_NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/
const PREFIX = /^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/
const DEFAULT_REGION = 'us-east-1'

/**
 * Reads the address of a store, and from the environment how to reach it (`AWS_ENDPOINT`, `AWS_REGION`,
 * `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`). Throws INVALID_ARGUMENT for any other address.
 */
export function parseStore(text: unknown, environment: NodeJS.ProcessEnv = process.env): StoreAddress {
  if (typeof text !== 'string' || !URL.canParse(text)) throw invalid('store', EXPECTED, text)
  const url = new URL(text)
  // A message must not repeat a key that was written into the address.
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw invalid('store', `${EXPECTED}, without user, query or fragment`, `${url.protocol}//…`)
  if (url.protocol === 'file:') return fileStore(url, text)
  if (url.protocol === 's3:') return s3Store(url, text, environment)
  throw invalid('store', EXPECTED, text)
}

function fileStore(url: URL, text: string): StoreAddress {
  if (url.host !== '') throw invalid('store', 'expected file:///folder, with three slashes', text)
  const folder = fileURLToPath(url).replace(/\/+$/, '')
  if (folder === '' || !isAbsolute(folder)) throw invalid('store', EXPECTED, text)
  return { kind: 'file', url: `file://${folder}`, folder }
}

function s3Store(url: URL, text: string, environment: NodeJS.ProcessEnv): StoreAddress {
  const bucket = url.host
  const prefix = url.pathname.replace(/^\/+|\/+$/g, '')
  if (!BUCKET_NAME.test(bucket)) throw invalid('store', `${EXPECTED}; this is no name of a bucket`, text)
  if (!PREFIX.test(prefix)) throw invalid('store', 'expected a prefix of letters, digits, ".", "_", "-" and "/"', text)
  const set = (name: string) => environment[name] || null
  const access: S3Access = {
    endpoint: set('AWS_ENDPOINT') ?? set('AWS_ENDPOINT_URL'),
    region: set('AWS_REGION') ?? set('AWS_DEFAULT_REGION') ?? DEFAULT_REGION,
    accessKeyId: set('AWS_ACCESS_KEY_ID'),
    secretAccessKey: set('AWS_SECRET_ACCESS_KEY'),
    sessionToken: set('AWS_SESSION_TOKEN'),
  }
  return { kind: 's3', url: `s3://${bucket}/${prefix}`, bucket, prefix, access }
}

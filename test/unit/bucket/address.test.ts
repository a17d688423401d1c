import { describe, expect, test } from 'vitest'
import { parseStore } from '../../../src/bucket/address.js'

describe('the address of a store', () => {
  test('is a folder', () => {
    expect(parseStore('file:///var/lib/vectors/', {})).toEqual({
      kind: 'file',
      url: 'file:///var/lib/vectors',
      folder: '/var/lib/vectors',
    })
  })

  test('is a bucket and a prefix, with the environment that says how to reach it', () => {
    const environment = { AWS_ENDPOINT: 'http://127.0.0.1:5000', AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'key' }
    expect(parseStore('s3://bucket/a/b/', environment)).toEqual({
      kind: 's3',
      url: 's3://bucket/a/b',
      bucket: 'bucket',
      prefix: 'a/b',
      access: {
        endpoint: 'http://127.0.0.1:5000',
        region: 'us-east-1',
        accessKeyId: 'id',
        secretAccessKey: 'key',
        sessionToken: null,
      },
    })
  })

  test.each([
    ['no address', './data'],
    ['another scheme', 'gs://bucket/a'],
    ['a host', 'file://host/a'],
    ['the root', 'file:///'],
    ['no prefix', 's3://bucket'],
    ['a prefix with other characters', 's3://bucket/a%20b'],
    ['an empty part', 's3://bucket/a//b'],
    ['a number', 7],
  ])('is refused with %s', (_, address) => {
    expect(() => parseStore(address, {})).toThrow(/^store: expected/)
  })

  test('with a key in it is refused without repeating the key', () => {
    for (const address of ['s3://id:secret@bucket/a', 's3://bucket/a?key=secret', 's3://bucket/a#secret'])
      expect(() => parseStore(address, {})).toThrow(/^(?!.*secret)store: expected .*without user/)
  })
})

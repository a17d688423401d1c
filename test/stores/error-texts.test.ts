/** Errors of a store whose answers have secrets: neither messages nor causes nor a log may show them. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { inspect, promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseStore } from '../../src/bucket/address.js'
import { Objects } from '../../src/bucket/objects.js'
import { failureOf as failureOfDatabase } from '../../src/bucket/slate-endings.js'
import { VicinalError } from '../../src/core/errors.js'
import { hasAnswer } from '../../src/core/store-errors.js'
import { LanceTable } from '../../src/storage/lance-table.js'
import { storeTable } from '../../src/storage/table-home.js'
import { REPOSITORY } from '../durability/child.js'

const SECRET = 'AKIASECRETOFTHEANSWER'
const ANSWERS: Record<string, [status: number, body: string, shown: string]> = {
  'a signature that does not match': [
    403,
    `<Error><Code>SignatureDoesNotMatch</Code><Message>of ${SECRET}</Message><StringToSign>${SECRET}</StringToSign></Error>`,
    'status 403, SignatureDoesNotMatch',
  ],
  'an expired token': [
    400,
    `<Error><Code>ExpiredToken</Code><Message>${SECRET}</Message><Token-0>${SECRET}</Token-0></Error>`,
    'status 400, ExpiredToken',
  ],
  'a text': [403, `denied: ${SECRET}`, 'status 403'],
  'no list of objects': [
    200,
    `<ListBucketResult><IsTruncated>${SECRET}</IsTruncated></ListBucketResult>`,
    'deserialize xml',
  ],
}
let server: Server
let answer: [status: number, body: string]

beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume()
    response.writeHead(answer[0], { 'x-secret': SECRET, 'content-type': 'application/xml' })
    response.end(request.method === 'HEAD' ? undefined : answer[1])
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
})
afterAll(() => {
  server.close()
  server.closeAllConnections()
})

const endpoint = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const reached = () =>
  parseStore('s3://bucket/prefix', {
    AWS_ENDPOINT: endpoint(),
    AWS_ACCESS_KEY_ID: 'id',
    AWS_SECRET_ACCESS_KEY: 'key-of-the-store',
    AWS_REGION: 'us-east-1',
  })

/** All that a log can show of an error: its texts, details and causes. */
async function failureOf(work: Promise<unknown>): Promise<{ message: string; shown: string }> {
  const error: unknown = await work.then(
    () => null,
    (cause: unknown) => cause,
  )
  expect(error).toBeInstanceOf(VicinalError)
  const { message } = error as VicinalError
  const shown = inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true, maxStringLength: null })
  expect(shown).not.toContain(SECRET)
  expect(shown).not.toMatch(/key-of-the-store|AWS4-HMAC/)
  return { message, shown }
}

test.each(Object.entries(ANSWERS))(
  '%s in an answer about objects stays out of errors',
  async (_, [status, body, why]) => {
    answer = [status, body]
    const objects = await Objects.open(reached())
    expect((await failureOf(objects.list('folder/'))).message).toContain(why)
    if (status === 200) return
    for (const fail of [
      () => objects.read('one'),
      () => objects.write('one', Buffer.of(1)),
      () => objects.create('one', Buffer.of(1)),
    ])
      expect((await failureOf(fail())).message).toContain(why)
  },
)

const refusals = Object.entries(ANSWERS).filter(([, [status]]) => status !== 200)

test.each(refusals)('%s in an answer about a table stays out of errors', async (_, [status, body]) => {
  answer = [status, body]
  const options = {
    aws_endpoint: endpoint(),
    aws_access_key_id: 'id',
    aws_secret_access_key: 'key-of-the-store',
    aws_region: 'us-east-1',
    allow_http: 'true',
  }
  const home = storeTable('s3://bucket/prefix', options, 'tables/a', 1)
  const table = await LanceTable.at(home, { collection: 'things', vectors: [] }, 1, { readOnly: true })
  expect((await failureOf(table.countRows())).message).toMatch(new RegExp(`status code: ${status}`))
})

// SlateDB asks a store that refuses it again and again, so these are texts of its errors.
test.each([
  'Unavailable error: object store error: Server returned non-2xx status code: 403 Forbidden: <Error>SECRET</Error>',
  'RetryError(RetryErrorImpl { inner: Status { status: 500, body: Some("SECRET") } })',
  'Error performing PUT in 1 ms - Server returned error response: <Error>SECRET</Error>',
  'Client error with status 404 Not Found: SECRET',
])('%s is told without the answer', (text) => {
  const { message } = failureOfDatabase(new Error(text))
  expect(message).not.toContain('SECRET')
  expect(message).toMatch(/(403|500|404 Not Found|error response)$/)
  expect(hasAnswer(text)).toBe(true)
  expect(hasAnswer(message)).toBe(false)
})

test('what a store answered stays out of the log of the table engine', async () => {
  // It warns of requests that it asks again.
  answer = [500, `busy: ${SECRET}`]
  const script = `
    import { storeTable } from ${JSON.stringify(join(REPOSITORY, 'dist/storage/table-home.js'))}
    const options = { aws_endpoint: ${JSON.stringify(endpoint())}, aws_access_key_id: 'id',
      aws_secret_access_key: 'key', aws_region: 'us-east-1', allow_http: 'true' }
    const home = storeTable('s3://bucket/prefix', options, 'tables/a', 1)
    const why = await home.connect().then((c) => c.openTable('table', [])).then(() => 'opened', () => 'refused')
    console.log(why)`
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
  expect(stdout).toBe('refused\n')
  expect(stderr).not.toContain(SECRET)
})

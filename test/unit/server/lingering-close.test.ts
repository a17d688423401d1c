import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { startService } from '../../contract/service.js'

const MIB = 1024 * 1024
const PIECE = Buffer.alloc(MIB, 'x')
/** More than the buffers of a connection hold. */
const PIECES = 24

/** Everything that the service answers to a client that reads none of it before all of this is written. */
async function answerAfterAll(head: string): Promise<string> {
  const { port } = await startService({ maxBodyBytes: MIB })
  const client = connect(port, '127.0.0.1').pause()
  const failed = new Promise<never>((_, reject) => client.once('error', reject))
  client.write(head)
  for (let sent = 0; sent < PIECES; sent++) {
    if (!client.write(PIECE)) await Promise.race([once(client, 'drain'), failed])
  }
  return await Promise.race([text(client), failed])
}

test.each([
  ['a body that is refused at its head', `PUT /collections/a HTTP/1.1\r\ncontent-length: ${PIECES * MIB}`, 413],
  ['a body without a declared length', 'PUT /collections/a HTTP/1.1\r\ntransfer-encoding: chunked', 400],
  ['a head that is too long', 'GET / HTTP/1.1\r\nlong: ', 431],
])('%s: a client that goes on sending reads the whole answer', async (_, head, status) => {
  const isLong = status === 431
  const rest = isLong ? '' : '\r\nhost: localhost\r\ncontent-type: application/json\r\n\r\n'
  const answer = await answerAfterAll(head + rest)
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  const [, length, body] = /content-length: (\d+)\r\n.*?\r\n\r\n(.*)$/is.exec(answer) as unknown as string[]
  expect(body).toHaveLength(Number(length))
})

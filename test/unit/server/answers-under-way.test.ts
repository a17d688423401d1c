import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { AnswerUnderWay, answerOn } from '../../../src/server/answers-under-way.js'

const REQUEST = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'

/** A server that has been sent two requests on one connection, and has answered neither. */
async function asked() {
  const responses: ServerResponse[] = []
  const server = createServer({ ServerResponse: AnswerUnderWay }, (_, response) => {
    responses.push(response)
    if (responses.length === 2) server.emit('asked')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close().closeAllConnections())
  const hasAsked = once(server, 'asked')
  const connected = once(server, 'connection')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  client.resume().on('error', () => {})
  client.write(REQUEST + REQUEST)
  const [[connection]] = await Promise.all([connected as Promise<[Socket]>, hasAsked])
  return { client, connection, responses: responses as [ServerResponse, ServerResponse] }
}

test('a connection sends the answer to its first request first, and then owes none', async () => {
  const { connection, responses } = await asked()
  const [first, second] = responses
  expect(answerOn(connection)).toBe(first)
  second.end('two')
  expect(answerOn(connection)).toBe(first)
  const sent = once(second, 'close')
  first.end('one')
  await sent
  expect(answerOn(connection)).toBeUndefined()
})

test('answers on a connection that its client has left are closed, also those whose turn had not come', async () => {
  const { client, connection, responses } = await asked()
  const closed: ServerResponse[] = []
  for (const response of responses) response.on('close', () => closed.push(response))
  responses[0].write('half')
  const left = once(connection, 'close')
  client.destroy()
  await left
  await new Promise(setImmediate)
  expect(closed).toHaveLength(2)
  expect(new Set(closed)).toEqual(new Set(responses))
  expect(answerOn(connection)).toBeUndefined()
})

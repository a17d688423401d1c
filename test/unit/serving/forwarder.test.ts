import { once, setMaxListeners } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { AnswerUnderWay } from '../../../src/server/answers-under-way.js'
import { Forwarder } from '../../../src/serving/forwarder.js'

/** Of an answer on its way through a service: its connection's order, its ticket, and its place in memory. */
const LISTENERS_OF_SERVICE = 4
const MOST_LISTENERS = 10

test('answers to pipelined requests that another thread gave have few listeners, and come whole and in order', async () => {
  const path = join(tmpdir(), `vicinal-forwarder-${process.pid}.sock`)
  const other = createServer((request, response) => response.end(request.url))
  await once(other.listen(path), 'listening')
  const forwarder = new Forwarder(path, () => false)
  const listeners: number[] = []
  const server = createServer({ ServerResponse: AnswerUnderWay }, (request, response: ServerResponse) => {
    setMaxListeners(0, response)
    response.once('pipe', () => listeners.push(response.listenerCount('close')))
    forwarder.passRead(request, response, { body: null, traceparent: undefined, id: 'a' })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    forwarder.close()
    server.close().closeAllConnections()
    other.close().closeAllConnections()
  })
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const asked = ['/a', '/b', '/c'].map((url) => `GET ${url} HTTP/1.1\r\nhost: x\r\n`)
  client.write(`${asked.join('\r\n')}connection: close\r\n\r\n`)
  let answered = ''
  for await (const chunk of client) answered += chunk
  expect(answered.match(/^\/[abc](?=HTTP|$)/gm)).toEqual(['/a', '/b', '/c'])
  expect(listeners).toHaveLength(3)
  expect(Math.max(...listeners) + LISTENERS_OF_SERVICE).toBeLessThanOrEqual(MOST_LISTENERS)
})

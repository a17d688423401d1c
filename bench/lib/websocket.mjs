// WebSocket messages as bytes, made beforehand: the request that opens a connection, and a client's frames.
import { randomBytes } from 'node:crypto'

const BINARY = 0x82
const MASKED = 0x80
const IN_16_BITS = 126
const MOST_BYTES = 0xffff
const KEY_BYTES = 4

export function opening(path, type, port) {
  const head = [
    `GET ${path} HTTP/1.1`,
    `host: 127.0.0.1:${port}`,
    `accept: ${type}`,
    'connection: Upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    `sec-websocket-key: ${randomBytes(16).toString('base64')}`,
  ]
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1')
}

/** Masked, as those of clients have to be. */
export function frame(body) {
  if (body.length < IN_16_BITS || body.length > MOST_BYTES) throw new Error(`a message of ${body.length} bytes`)
  const key = randomBytes(KEY_BYTES)
  const head = Buffer.from([BINARY, MASKED | IN_16_BITS, body.length >> 8, body.length & 0xff])
  return Buffer.concat([head, key, body.map((byte, i) => byte ^ key[i % KEY_BYTES])])
}

/** Of a frame of a server. */
export const messageOf = (answer) => answer.subarray(answer[1] === IN_16_BITS ? 4 : 2)

// HTTP on a keep-alive socket, one request at a time.
import { RequestSocket } from './request-socket.mjs'

const HEAD_END = Buffer.from('\r\n\r\n')

/** To the service; `send(parts)` sends them as they are (see `request`) and resolves to status and body. */
export const openHttp = (port) => RequestSocket.open(port, answerIn)

function answerIn(bytes) {
  const headEnd = bytes.indexOf(HEAD_END)
  if (headEnd < 0) return null
  const head = bytes.latin1Slice(0, headEnd)
  const contentLength = /\r\ncontent-length: *(\d+)/i.exec(head)
  if (!contentLength) return { length: bytes.length, error: `an answer without content-length: ${head}` }
  const from = headEnd + HEAD_END.length
  const length = from + Number(contentLength[1])
  if (bytes.length < length) return null
  return { length, value: { status: Number(head.slice(9, 12)), body: bytes.subarray(from, length) } }
}

/** Of an answer's bytes. */
export const bodyOf = (answer) => answer.subarray(answer.indexOf(HEAD_END) + HEAD_END.length)

/** Head and body of a request, made once and sent many times. */
export function request(method, path, body, type, port) {
  const head = [
    `${method} ${path} HTTP/1.1`,
    `host: 127.0.0.1:${port}`,
    `content-type: ${type}`,
    `accept: ${type}`,
    `content-length: ${body?.byteLength ?? 0}`,
  ]
  return [Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), ...(body ? [body] : [])]
}

// One keep-alive socket to the service, one request at a time.
import { connect } from 'node:net'

const HEAD_END = Buffer.from('\r\n\r\n')

export class HttpConnection {
  #socket
  #received = Buffer.alloc(0)
  #pending = null
  #ended = null

  static async open(port) {
    const connection = new HttpConnection()
    await connection.#connect(port)
    return connection
  }

  #connect(port) {
    return new Promise((resolve, reject) => {
      this.#socket = connect({ port, host: '127.0.0.1', noDelay: true }, resolve)
      this.#socket.on('error', (error) => {
        reject(error)
        this.#fail(error)
      })
      this.#socket.on('close', () => this.#fail(new Error('the service closed the connection')))
      this.#socket.on('data', (bytes) => this.#take(bytes))
    })
  }

  /** `parts` are sent as they are (see `request`); resolves to status and body. */
  send(parts) {
    if (this.#pending) throw new Error('one request at a time')
    // A server that ends idle connections has no answer to what comes later.
    if (this.#ended) throw this.#ended
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject }
      this.#socket.cork()
      for (const part of parts) this.#socket.write(part)
      this.#socket.uncork()
    })
  }

  close() {
    this.#socket.removeAllListeners('close')
    this.#socket.destroy()
  }

  #take(bytes) {
    this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes])
    const headEnd = this.#received.indexOf(HEAD_END)
    if (headEnd < 0) return
    const head = this.#received.latin1Slice(0, headEnd)
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)
    if (!length) return this.#fail(new Error(`an answer without content-length: ${head}`))
    const end = headEnd + HEAD_END.length + Number(length[1])
    if (this.#received.length < end) return
    const body = this.#received.subarray(headEnd + HEAD_END.length, end)
    this.#received = this.#received.subarray(end)
    const pending = this.#pending
    this.#pending = null
    pending?.resolve({ status: Number(head.slice(9, 12)), body })
  }

  #fail(error) {
    this.#ended = error
    const pending = this.#pending
    this.#pending = null
    pending?.reject(error)
  }
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

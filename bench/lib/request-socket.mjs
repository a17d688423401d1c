// One keep-alive socket to a server that is measured, one request at a time.
import { connect } from 'node:net'

export class RequestSocket {
  #socket
  #received = Buffer.alloc(0)
  #pending = null
  #ended = null
  #answerOf

  /**
   * `answerOf(bytes)` is null until the bytes hold a whole answer, then { length, value } or { length, error }.
   */
  static async open(port, answerOf) {
    const one = new RequestSocket()
    one.#answerOf = answerOf
    await new Promise((resolve, reject) => {
      one.#socket = connect({ port, host: '127.0.0.1', noDelay: true }, resolve)
      one.#socket.on('error', (error) => {
        reject(error)
        one.#fail(error)
      })
      one.#socket.on('close', () => one.#fail(new Error('the server closed the connection')))
      one.#socket.on('data', (bytes) => one.#take(bytes))
    })
    return one
  }

  /** Of one message, sent at once. */
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
    const answer = this.#answerOf(this.#received)
    if (!answer) return
    this.#received = this.#received.subarray(answer.length)
    const pending = this.#pending
    this.#pending = null
    if (answer.error) pending?.reject(new Error(answer.error))
    else pending?.resolve(answer.value)
  }

  #fail(error) {
    this.#ended = error
    const pending = this.#pending
    this.#pending = null
    pending?.reject(error)
  }
}

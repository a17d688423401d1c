/** Streams of points into the collection `a` that go on for as long as a test likes. */
import { request } from 'node:http'

const PATH = '/collections/a/ingest'
const NDJSON = { 'content-type': 'application/x-ndjson' }
/** A point with two dimensions. */
export const lineOf = (id: number) => `{"id":${id},"vector":[${id},1]}\n`

/** A stream that its sender ends when it likes, and the lines of its answer. */
export function openStream(port: number, headers: Record<string, string> = {}, path = PATH) {
  const lines: string[] = []
  let rest = ''
  const sent = request({ port, host: '127.0.0.1', method: 'POST', path, headers: { ...NDJSON, ...headers } })
  // A server cuts off the body of a stream that it has ended. Node's client, once the answer is read, gives such a
  // connection back to its pool before the failed write is told, and without a listener the error ends the process.
  sent.on('socket', (socket) => socket.on('error', () => undefined))
  const answered = new Promise<number>((resolve, reject) => {
    sent.on('error', reject)
    sent.on('response', (answer) => {
      answer.on('error', reject)
      answer.on('data', (piece: Buffer) => {
        const parts = (rest + piece.toString()).split('\n')
        rest = parts.pop() as string
        lines.push(...parts)
      })
      answer.on('end', () => resolve(answer.statusCode as number))
    })
  })
  answered.catch(() => undefined)
  const last = () => JSON.parse(lines.at(-1) as string) as { result: { position: number }; status: unknown }
  return { sent, answered, lines, last }
}

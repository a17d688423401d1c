import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** Debian's own Python has the packages. */
const PYTHON = '/usr/bin/python3'
const SCRIPT = fileURLToPath(new URL('./s3_server.py', import.meta.url))
/** The server checks no signatures, but takes a request without one for another service's. */
const AUTHORIZATION =
  'AWS4-HMAC-SHA256 Credential=id/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=x'

export interface S3Server {
  port: number
  stop(): void
}

/** Starts an S3 store with one bucket. */
export async function startS3(bucket: string): Promise<S3Server> {
  const child = spawn(PYTHON, [SCRIPT], { stdio: ['ignore', 'pipe', 'ignore'] })
  const exited = once(child, 'exit').then(([code]) => {
    throw new Error(`the S3 store ended with ${code}; Debian's python3-moto and python3-flask-cors have it`)
  })
  const [line] = (await Promise.race([once(createInterface(child.stdout), 'line'), exited])) as [string]
  exited.catch(() => undefined)
  const port = Number(line)
  const made = await fetch(`http://127.0.0.1:${port}/${bucket}`, {
    method: 'PUT',
    headers: { authorization: AUTHORIZATION },
  })
  if (!made.ok) throw new Error(`the bucket could not be made: ${await made.text()}`)
  return { port, stop: () => void child.kill('SIGKILL') }
}

/** Passes requests on to a server. `change` may change each before. */
export async function startProxy(
  port: number,
  change: (incoming: IncomingMessage) => void,
): Promise<{ port: number; stop(): void }> {
  const server = createServer((incoming, answer) => {
    change(incoming)
    const { method, url: path, headers } = incoming
    const passed = request({ host: '127.0.0.1', port, method, path, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(answer)
    })
    passed.on('error', () => answer.destroy())
    incoming.pipe(passed)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return { port: (server.address() as AddressInfo).port, stop: () => void server.close() }
}

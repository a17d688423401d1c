// An S3 store of the tests behind a proxy that holds each PUT or each GET for some time, as a store far away does.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { path } from '../../scripts/process.mjs'

/** Debian's own Python has the packages of the store. */
const PYTHON = '/usr/bin/python3'
const BUCKET = 'bench'

/** The environment of a process that uses the store, its address, and the number of requests by method. */
export async function startSlowStore(putMs, getMs = 0) {
  const child = spawn(PYTHON, [path('test/stores/s3_server.py')], { stdio: ['ignore', 'pipe', 'ignore'] })
  const [port] = await once(createInterface(child.stdout), 'line')
  const counts = {}
  const server = createServer(async (incoming, answer) => {
    const { method, url, headers } = incoming
    const kind = method === 'GET' && url.includes('list-type') ? 'LIST' : method
    counts[kind] = (counts[kind] ?? 0) + 1
    const heldMs = method === 'PUT' ? putMs : method === 'GET' ? getMs : 0
    if (heldMs > 0) await sleep(heldMs)
    const passed = request({ host: '127.0.0.1', port, method, path: url, headers }, (response) => {
      answer.writeHead(response.statusCode, response.headers)
      response.pipe(answer)
    })
    passed.on('error', () => answer.destroy())
    incoming.pipe(passed)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const endpoint = `http://127.0.0.1:${server.address().port}`
  const made = await fetch(`${endpoint}/${BUCKET}`, {
    method: 'PUT',
    headers: {
      authorization:
        'AWS4-HMAC-SHA256 Credential=id/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=x',
    },
  })
  if (!made.ok) throw new Error(`the bucket was not made: ${await made.text()}`)
  return {
    address: `s3://${BUCKET}/put-${putMs}`,
    counts,
    env: {
      AWS_ENDPOINT: endpoint,
      AWS_ALLOW_HTTP: 'true',
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'id',
      AWS_SECRET_ACCESS_KEY: 'secret',
    },
    stop() {
      child.kill('SIGKILL')
      server.closeAllConnections()
      server.close()
    },
  }
}

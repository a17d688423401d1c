/** `vicinal serve` that is told to stop, whoever is connected. */
import { type ChildProcess, execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { type Answer, Line } from '../../contract/threaded.js'
import { serve } from './process.js'

/** Whoever holds up a stop holds it up for so long: what is measured is far below it. */
const DEADLINE_MS = 60_000
const SOON_MS = 20_000
const SIZE = 64
const STORED = 2000
const LANES = 32
const vector = Array.from({ length: SIZE }, (_, at) => at / 7)

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-stop-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const serveBy = (threads: number, ...flags: string[]) =>
  serve(
    ['--serving-threads', String(threads), '--shutdown-timeout-ms', String(DEADLINE_MS), ...flags],
    temporaryFolder(),
  )

async function stopped(child: ChildProcess): Promise<number> {
  const startedMs = performance.now()
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
  return performance.now() - startedMs
}

async function filled(url: string, letters = 1): Promise<void> {
  const line = new Line(url)
  // Connections of its own, which are not kept.
  const options = { agent: false as const }
  await line.call('PUT', '/collections/a', { vectors: { size: SIZE, distance: 'Dot' } }, options)
  const points = Array.from({ length: STORED }, (_, id) => ({ id, vector, payload: { text: 'x'.repeat(letters) } }))
  expect((await line.call('PUT', '/collections/a/points?wait=true', { points }, options)).status).toBe(200)
}

test.each([1, 2])(
  'with %d threads, who asks all the time is answered until told that it was the last answer',
  async (n) => {
    const { child, url } = await serveBy(n, '--shutdown-linger-ms', '10000')
    await filled(url)
    const answers: Answer[] = []
    const endings: unknown[] = []
    const lanes = Array.from({ length: LANES }, async (_, lane) => {
      const own = new Line(url)
      // Large answers keep a thread from what it has read: it is late to hear that it stops, and of what it has forwarded.
      const asked =
        lane % 8 === 0
          ? [() => own.call('POST', '/collections/a/points/scroll', { limit: STORED, with_vector: true })]
          : [
              () => own.call('PUT', '/collections/a/points?wait=true', { points: [{ id: lane, vector }] }),
              () => own.call('GET', '/collections/a'),
            ]
      try {
        for (let at = lane; ; at++) answers.push(await (asked[at % asked.length] as () => Promise<Answer>)())
      } catch (error) {
        endings.push((error as NodeJS.ErrnoException).code)
      }
    })
    await sleep(1500)
    await stopped(child)
    await Promise.all(lanes)
    expect(answers.filter(({ status }) => status !== 200).map(({ json }) => json)).toEqual([])
    expect(new Set(endings)).toEqual(new Set(['ECONNREFUSED']))
    expect(answers.filter(({ headers }) => headers.connection === 'close')).toHaveLength(LANES)
  },
)

test.each([1, 2])('with %d threads, connections that nothing was ever sent on hold up no stop', async (n) => {
  const { child, url } = await serveBy(n)
  for (let i = 0; i < 4; i++) await connected(url)
  expect(await stopped(child)).toBeLessThan(SOON_MS)
})

test.skipIf(spawnSync('openssl', ['version']).status !== 0)('who never begins its TLS holds up no stop', async () => {
  const folder = temporaryFolder()
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const files = ['-keyout', join(folder, 'key'), '-out', join(folder, 'cert')]
  const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', ...files, ...subject]
  execFileSync('openssl', args, { stdio: 'ignore' })
  const tls = ['--tls-cert', join(folder, 'cert'), '--tls-key', join(folder, 'key')]
  const { child, url } = await serveBy(1, ...tls)
  const silent = await connected(url)
  const begun = await connected(url)
  begun.write(Buffer.from([22, 3, 1]))
  await sleep(200)
  child.kill('SIGTERM')
  await once(silent, 'close')
  child.kill('SIGKILL')
})

test.each([1, 2])('with %d threads, a connection whose answer was under way ends with it', async (n) => {
  const { child, url } = await serveBy(n)
  // More than the system takes off the service before somebody reads it.
  await filled(url, 10_000)
  const socket = await connected(url)
  const body = JSON.stringify({ limit: STORED })
  const head = 'POST /collections/a/points/scroll HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n'
  // Its head is sent, as that of a connection that is kept, before the stop; it is read to its end long after.
  socket.write(`${head}content-length: ${body.length}\r\n\r\n${body}`)
  await once(socket, 'readable')
  const exit = stopped(child)
  await sleep(1000)
  socket.resume()
  await once(socket, 'end')
  expect(await exit).toBeLessThan(SOON_MS)
})

async function connected(url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => {})
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  return socket
}

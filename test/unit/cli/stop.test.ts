/** Stopping `vicinal serve`, with all kinds of clients connected. */
import { type ChildProcess, execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { type Answer, Line, untilRefused } from '../../contract/threaded.js'
import { serve, start } from './process.js'

/** A client that delays a stop delays it this long; the measured times are far below. */
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

async function filled(url: string): Promise<void> {
  const line = new Line(url)
  // Connections without keep-alive.
  const options = { agent: false as const }
  await line.call('PUT', '/collections/a', { vectors: { size: SIZE, distance: 'Dot' } }, options)
  const points = Array.from({ length: STORED }, (_, id) => ({ id, vector }))
  expect((await line.call('PUT', '/collections/a/points?wait=true', { points }, options)).status).toBe(200)
}

test.each([1, 2])(
  'with %d threads, busy connections are answered until an answer announces that it is the last',
  async (n) => {
    const { child, url } = await serveBy(n, '--shutdown-linger-ms', String(DEADLINE_MS / 2))
    await filled(url)
    const answers: Answer[] = []
    const answered = new Set<number>()
    const endings: unknown[] = []
    const lanes = Array.from({ length: LANES }, async (_, lane) => {
      const own = new Line(url)
      // Large answers keep a thread busy, so it learns late of the stop and of the answers that it forwarded.
      const asked =
        lane % 8 === 0
          ? [() => own.call('POST', '/collections/a/points/scroll', { limit: STORED, with_vector: true })]
          : [
              () => own.call('PUT', '/collections/a/points?wait=true', { points: [{ id: lane, vector }] }),
              () => own.call('GET', '/collections/a'),
            ]
      try {
        for (let at = lane; ; at++) {
          answers.push(await (asked[at % asked.length] as () => Promise<Answer>)())
          answered.add(lane)
        }
      } catch (error) {
        endings.push((error as NodeJS.ErrnoException).code)
      }
    })
    // Every lane has had several answers.
    await expect.poll(() => answers.length).toBeGreaterThan(4 * LANES)
    await expect.poll(() => answered.size).toBe(LANES)
    await stopped(child)
    await Promise.all(lanes)
    expect(answers.filter(({ status }) => status !== 200).map(({ json }) => json)).toEqual([])
    expect(new Set(endings)).toEqual(new Set(['ECONNREFUSED']))
    expect(answers.filter(({ headers }) => headers.connection === 'close')).toHaveLength(LANES)
  },
)

test.each([1, 2])('with %d threads, idle connections delay no stop', async (n) => {
  const { child, url } = await serveBy(n)
  for (let i = 0; i < 4; i++) await connected(url)
  expect(await stopped(child)).toBeLessThan(SOON_MS)
})

const hasOpenssl = spawnSync('openssl', ['version']).status === 0

function certified(): string[] {
  const folder = temporaryFolder()
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const [key, cert] = [join(folder, 'key'), join(folder, 'cert')]
  const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-keyout', key, '-out', cert, ...subject]
  execFileSync('openssl', args, { stdio: 'ignore' })
  return ['--tls-cert', cert, '--tls-key', key]
}

test.skipIf(!hasOpenssl)('a client that never begins its TLS delays no stop', async () => {
  const { child, url } = await serveBy(1, ...certified())
  const silent = await connected(url)
  const begun = await connected(url)
  begun.write(Buffer.from([22, 3, 1]))
  // Nothing tells that these bytes have arrived.
  await sleep(200)
  child.kill('SIGTERM')
  await once(silent, 'close')
  child.kill('SIGKILL')
})

test.for([
  ['one thread', 1, false],
  ['two threads', 2, false],
  ['TLS', 1, true],
] as const)(
  'by %s, an answer that was under way is had to its end, and its connection ends with it',
  async ([_, n, isTls], { skip }) => {
    skip(isTls && !hasOpenssl, 'openssl is not installed')
    const { child, url } = await serveBy(n, ...(isTls ? certified() : []))
    const { port } = new URL(url)
    const socket = isTls ? connectTls({ port: Number(port), rejectUnauthorized: false }) : await connected(url)
    onTestFinished(() => void socket.destroy())
    socket.write(requestOf('PUT', '/collections/a', { vectors: { size: 1, distance: 'Dot' } }))
    expect(String((await once(socket, 'data'))[0])).toContain('200 OK')
    const [count, letters] = [300, 100_000]
    const points = Array.from({ length: count }, (_, id) => ({ id, vector: [1], payload: { t: 'x'.repeat(letters) } }))
    socket.write(requestOf('PUT', '/collections/a/points?wait=true', { points }))
    expect(String((await once(socket, 'data'))[0])).toContain('200 OK')
    socket.pause()
    // More than the system buffers before the client reads. The head, with keep-alive, is sent before the stop and read
    // long after it.
    socket.write(requestOf('POST', '/collections/a/points/scroll', { limit: count }))
    await once(socket, 'readable')
    const exit = stopped(child)
    await untilRefused(url)
    let bytes = 0
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    await once(socket, 'close')
    expect(bytes).toBeGreaterThan(count * letters)
    expect(await exit).toBeLessThan(SOON_MS)
  },
)

function requestOf(method: string, path: string, body: unknown): string {
  const json = JSON.stringify(body)
  const head = `${method} ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n`
  return `${head}content-length: ${json.length}\r\n\r\n${json}`
}

test.skipIf(process.platform === 'win32')('a stop does not wait for ever for what is still being opened', async () => {
  const folder = temporaryFolder()
  // Read as a snapshot, but nobody ever writes to it.
  execFileSync('mkfifo', [join(folder, 'pipe')])
  const flags = ['--port', '0', '--data', join(folder, 'data'), '--shutdown-timeout-ms', '500', '--log-level', 'info']
  const child = start(['serve', ...flags, '--snapshot', `${join(folder, 'pipe')}:c`], folder)
  await once(child.stderr as NodeJS.ReadableStream, 'data')
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([null, 'SIGKILL'])
})

test.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)('a second %s ends what a stop waits for, with the code of that signal', async (signal, code) => {
  const { child, url } = await serveBy(1)
  const socket = await connected(url)
  // A body that never ends.
  socket.write(requestOf('PUT', '/collections/a', { vectors: { size: 1, distance: 'Dot' } }).slice(0, -1))
  const begun = async () => String((await new Line(url).call('GET', '/metrics')).bytes)
  await expect.poll(begun).toMatch(/^rest_requests_in_work 1$/m)
  child.kill('SIGTERM')
  await untilRefused(url)
  expect(child.exitCode).toBeNull()
  child.kill(signal)
  expect(await once(child, 'exit')).toEqual([code, null])
})

async function connected(url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => {})
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  return socket
}

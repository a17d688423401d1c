import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import WebSocket from 'ws'
import { parse } from 'yaml'
import { startS3 } from '../stores/s3-server.js'
import { ROOT, run } from './project.js'

// There may be no Docker engine, so the commands of compose.yml run as processes. Each service has an address of the
// loopback network in place of its name, and another S3 store stands in for the image of the store.

interface Service {
  image: string
  command?: string[]
  environment?: Record<string, string>
}

interface Cluster {
  vicinal: { owner: string; nodes: { id: string; url: string }[] }
}

const BUCKET = 'vicinal'
/** Of 64 KiB each: more than the 64 MiB of a body. */
const ROWS = 1_200
const SECRETS: Record<string, string> = {
  VICINAL_API_KEY: 'client-key',
  VICINAL_CLUSTER_KEY: 'cluster-key-of-the-nodes',
  AWS_ACCESS_KEY_ID: 'id',
  AWS_SECRET_ACCESS_KEY: 'secret',
}
const deploy = (name: string) => readFileSync(join(ROOT, 'deploy', name), 'utf8')
const { services } = parse(deploy('compose.yml'), { merge: true }) as { services: Record<string, Service> }
const nodes = Object.keys(services).filter((name) => services[name]?.image === 'vicinal')

/** Of this process, so that two runs on one machine do not meet. */
const network = `127.${1 + (process.pid % 250)}.${1 + ((process.pid >> 8) % 250)}`
const addresses = new Map([...nodes, 'balancer'].map((name, at) => [name, `${network}.${at + 1}`]))
const addressed = (text: string) =>
  [...addresses].reduce((all, [name, address]) => all.replaceAll(`${name}:`, `${address}:`), text)

let folder: string
const running = new Map<string, ChildProcess>()
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vicinal-compose-'))
  // The workers of a balancer that root starts are another user's.
  chmodSync(folder, 0o711)
})
afterEach(() => {
  for (const name of running.keys()) stop(name)
  rmSync(folder, { recursive: true, force: true })
})

/** By compose.yml a service that ends is started again. */
function start(name: string, command: string, args: string[], environment: NodeJS.ProcessEnv): void {
  const env = { PATH: process.env.PATH, ...environment }
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'], env })
  running.set(name, child)
  child.once('exit', () => {
    if (running.get(name) === child) start(name, command, args, environment)
  })
}

/** The balancer has processes of its own, which end with it by SIGTERM alone. */
function stop(name: string): void {
  const child = running.get(name)
  running.delete(name)
  child?.kill(name === 'balancer' ? 'SIGTERM' : 'SIGKILL')
}

/** As the image has them (Dockerfile), then those of compose.yml. */
function startNode(name: string, storePort: number): void {
  const environment = Object.entries(services[name]?.environment ?? {}).map(([key, value]) => {
    const filled = value.replace(/\$\{(\w+):\?\}/g, (_, variable: string) => SECRETS[variable] as string)
    return [key, addressed(filled).replace('store:8333', `127.0.0.1:${storePort}`)]
  })
  start(name, process.execPath, [join(ROOT, 'dist/cli/main.js'), ...(services[name]?.command ?? ['serve'])], {
    NODE_ENV: 'production',
    VICINAL_PORT: '6333',
    ...Object.fromEntries(environment),
    VICINAL_HOST: addresses.get(name),
    VICINAL_CACHE: join(folder, name),
    VICINAL_LOG_LEVEL: 'error',
  })
}

function nginxConfiguration(): string {
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((of) => `${of}_temp_path ${folder}/${of};`)
  const text = addressed(deploy('nginx.conf'))
    .replace('events {}', `pid ${folder}/nginx.pid;\nerror_log stderr;\nevents {}`)
    .replace('http {', `http {\n  ${places.join(' ')}`)
    .replace('listen 6333', `listen ${addresses.get('balancer')}:6333`)
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, text)
  return file
}

function startBalancer(): void {
  const [command, ...args] = (services.balancer as Service).command as [string, ...string[]]
  start('balancer', command, [...args, '-c', nginxConfiguration()], {})
}

/** Longer than a body of another route may be, and for some seconds, in which several batches are stored. */
async function* rowsBeyondABody(): AsyncGenerator<Buffer> {
  const payload = { text: 'x'.repeat(64 * 1024) }
  for (let id = 1; id <= ROWS; id += 1) {
    if (id % (ROWS / 4) === 0) await setTimeout(1_000)
    yield Buffer.from(`${JSON.stringify({ id, vector: [id, 1, 0, 0], payload })}\n`)
  }
}

/** Through the load balancer, as the console asks. Clients ask again after a 502, a 503, or no answer. */
async function until200<R>(method: string, path: string, body?: unknown): Promise<R> {
  const origin = `http://${addresses.get('balancer')}:6333`
  // Browsers send their page's origin with everything that may change something.
  const browser = { 'sec-fetch-site': 'same-origin', ...(method === 'GET' ? {} : { origin }) }
  let result: R | undefined
  await expect
    .poll(async () => {
      const answer = await fetch(origin + path, {
        method,
        headers: { ...browser, 'api-key': SECRETS.VICINAL_API_KEY as string, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      if (answer.ok) result = ((await answer.json()) as { result: R }).result
      return answer.status
    })
    .toBe(200)
  return result as R
}

test('the systemd unit is valid', () => {
  run('systemd-analyze', ['verify', join(ROOT, 'deploy/vicinal.service')], ROOT)
})

test('the unit may write the audit log where the docs have it', () => {
  const docs = readFileSync(join(ROOT, 'docs/observability.md'), 'utf8')
  const [, folder] = /^ +\/var\/log\/([^/\s]+)\/\S+ \{$/m.exec(docs) ?? []
  // Of /var/log alone: ProtectSystem=strict makes all else read-only.
  expect(deploy('vicinal.service').split('\n')).toContain(`LogsDirectory=${folder}`)
})

describe.runIf(process.platform === 'linux')('compose.yml', () => {
  test('has two nodes that write, two that read, and a load balancer that knows them all', () => {
    const roles = nodes.map((name) => services[name]?.environment?.VICINAL_ROLE)
    expect(roles.toSorted()).toEqual(['query', 'query', 'write,query', 'write,query'])
    for (const name of nodes) expect(deploy('nginx.conf')).toContain(`server ${name}:6333 `)
  })

  test('its nodes and its balancer take writes, and go on when the owner is killed', async () => {
    const store = await startS3(BUCKET)
    onTestFinished(() => store.stop())
    for (const name of nodes) startNode(name, store.port)
    startBalancer()

    await until200('PUT', '/collections/things', { vectors: { size: 4, distance: 'Dot' } })
    const put = async (from: number) => {
      const points = Array.from({ length: 5 }, (_, i) => ({ id: from + i, vector: [from + i, 1, 0, 0] }))
      const path = '/collections/things/points?wait=true'
      return (await until200<{ watermark: string }>('PUT', path, { points })).watermark
    }
    for (const from of [1, 6, 11]) await put(from)

    const cluster = async () => (await until200<Cluster>('GET', '/cluster')).vicinal
    await expect.poll(async () => (await cluster()).nodes.length).toBe(nodes.length)
    const vicinal = await cluster()
    const owner = vicinal.nodes.find(({ id }) => id === vicinal.owner) as { url: string }
    const [name] = [...addresses].find(([, address]) => address === new URL(owner.url).hostname) as [string, string]
    stop(name)

    const last = await put(16)
    // More often than there are nodes, so that each is asked.
    for (let at = 0; at < 2 * nodes.length; at += 1) {
      const path = `/collections/things/points/count?after=${encodeURIComponent(last)}`
      expect((await until200<{ count: number }>('POST', path, { exact: true })).count).toBe(20)
    }
  })

  test('its balancer passes streams, of any length', async () => {
    const store = await startS3(BUCKET)
    onTestFinished(() => store.stop())
    startNode('write-1', store.port)
    startBalancer()
    await until200('PUT', '/collections/things', { vectors: { size: 4, distance: 'Dot' } })

    const key = { 'api-key': SECRETS.VICINAL_API_KEY as string }
    const balancer = `${addresses.get('balancer')}:6333`
    const answer = await fetch(`http://${balancer}/collections/things/ingest`, {
      method: 'POST',
      headers: { ...key, 'content-type': 'application/x-ndjson' },
      body: ReadableStream.from(rowsBeyondABody()),
      duplex: 'half',
    } as RequestInit)
    expect(answer.status).toBe(200)
    const last = JSON.parse((await answer.text()).trimEnd().split('\n').at(-1) as string)
    expect(last.result).toMatchObject({ accepted: ROWS, rejected: 0 })

    const socket = new WebSocket(`ws://${balancer}/collections/things/points/count`, { headers: key })
    onTestFinished(() => socket.terminate())
    const told = await new Promise((resolve, reject) => {
      socket.once('open', () => socket.send(JSON.stringify({ id: 1, exact: true })))
      socket.once('message', (message) => resolve(JSON.parse(String(message))))
      socket.once('error', reject)
    })
    expect(told).toMatchObject({ result: { count: ROWS } })

    const form = new FormData()
    form.set('snapshot', new Blob([Buffer.alloc(65 * 1024 * 1024)]), 'none.snapshot')
    const upload = { method: 'POST', headers: key, body: form }
    // The node refuses it, not the balancer.
    const refused = await fetch(`http://${balancer}/collections/things/snapshots/upload`, upload)
    expect(await refused.json()).toMatchObject({ status: { code: expect.any(String) } })
    expect(refused.status).not.toBe(413)
  })
})

/** Nodes of a store, each a process of its own. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect } from 'vitest'
import { serve } from '../unit/cli/process.js'

export const CLUSTER_KEY = 'a-key-that-only-nodes-have'
/** Long enough to sign tokens. */
export const API_KEY = 'a-key-that-clients-have-of-32-bytes-or-more'
/** On a busy machine an owner may be silent for longer: no test depends on which node owns the store. */
export const OWNER_TIMEOUT_MS = 2_000
/** Far above what anything here takes, for a machine that does other work. */
export const PATIENCE = { timeout: 300_000, interval: 50 }
export const POINTS = '/collections/things/points'

/** Folder of the present test. */
export let root: string
/** All nodes that it started. */
export let nodes: Node[]
let started = 0

export interface Answer {
  status: number
  headers: Headers
  result: unknown
  error: string | undefined
}

export class Node {
  log = ''

  constructor(
    readonly url: string,
    readonly child: ChildProcess,
  ) {
    child.stderr?.on('data', (text) => {
      this.log += text
    })
  }

  async ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const answer = await fetch(this.url + path, {
      method,
      headers: { 'content-type': 'application/json', 'api-key': API_KEY, ...headers },
      ...sent,
    })
    const text = await answer.text()
    const { result, status } = text.startsWith('{') ? JSON.parse(text) : { result: text, status: 'ok' }
    return { status: answer.status, headers: answer.headers, result, error: status?.error }
  }

  async must(method: string, path: string, body?: unknown): Promise<unknown> {
    const { status, result, error } = await this.ask(method, path, body)
    expect(status, `${method} ${path}: ${error}`).toBe(200)
    return result
  }

  /** The same until the node does not say that it is to be tried again. */
  async retried(method: string, path: string, body?: unknown): Promise<unknown> {
    const deadlineMs = performance.now() + PATIENCE.timeout
    for (; ; await sleep(PATIENCE.interval)) {
      const answer = await this.ask(method, path, body)
      if (answer.status !== 503 || performance.now() > deadlineMs) {
        expect(answer.status, `${method} ${path}: ${answer.error}`).toBe(200)
        return answer.result
      }
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
    }
  }

  async count(query = ''): Promise<number> {
    return ((await this.must('POST', `${POINTS}/count${query}`, {})) as { count: number }).count
  }

  async ids(): Promise<number[]> {
    const found = (await this.must('POST', `${POINTS}/scroll`, { limit: 10_000, with_payload: false })) as {
      points: { id: number }[]
    }
    return found.points.map(({ id }) => id)
  }

  async cluster(): Promise<{ owner: string | null; nodes: { id: string; url: string; roles: string[] }[] }> {
    return ((await this.must('GET', '/cluster')) as { vicinal: never }).vicinal
  }

  async ownerUrl(): Promise<string | undefined> {
    const { owner, nodes } = await this.cluster()
    return nodes.find(({ id }) => id === owner)?.url
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const exited = once(this.child, 'exit')
    this.child.kill(signal)
    await exited
  }
}

export const store = () => pathToFileURL(join(root, 'bucket')).href

export async function node(
  role: string,
  clusterKey: string | null = CLUSTER_KEY,
  more: { args?: string[]; env?: NodeJS.ProcessEnv } = {},
): Promise<Node> {
  const cache = join(root, `cache-${started++}`)
  const args = ['--store', store(), '--cache', cache, '--role', role, '--owner-timeout-ms', String(OWNER_TIMEOUT_MS)]
  const { child, url } = await serve([...args, ...(more.args ?? [])], root, {
    ...more.env,
    VICINAL_API_KEY: API_KEY,
    ...(clusterKey === null ? {} : { VICINAL_CLUSTER_KEY: clusterKey }),
  })
  const served = new Node(url, child)
  nodes.push(served)
  return served
}

export const write = () => node('write,query')
export const read = () => node('query')

export const point = (id: number) => ({ id, vector: [id, 1, 2, 3], payload: { n: id } })
export const upsert = (at: Node, from: number, count = 1) =>
  at.ask('PUT', `${POINTS}?wait=true`, { points: Array.from({ length: count }, (_, i) => point(from + i)) })
export const make = (at: Node) => at.retried('PUT', '/collections/things', { vectors: { size: 4, distance: 'Dot' } })

/** Each test of the file has a new store, and its nodes end with it. */
export function startsNodes(): void {
  beforeEach(() => {
    nodes = []
    root = mkdtempSync(join(tmpdir(), 'vicinal-cluster-'))
  })
  afterEach(async () => {
    for (const { child } of nodes) child.kill('SIGKILL')
    for (const { child } of nodes) if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    rmSync(root, { recursive: true, force: true })
  })
}

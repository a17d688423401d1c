/** Runs clients against several nodes while one thing after the other fails, and checks what they saw. */
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { parseStore } from '../../src/bucket/address.js'
import { Objects } from '../../src/bucket/objects.js'
import { REPOSITORY } from '../durability/child.js'
import { Random } from '../oracle/fault-random.js'
import { alteredDist, brisk } from './altered-dist.js'
import { FaultyProxy } from './faulty-proxy.js'
import type { Read } from './history.js'
import { Calls } from './history-calls.js'
import { checkAgreement, checkHistory } from './history-check.js'
import { Cluster, type Member } from './history-cluster.js'
import { faultsOf, type Round } from './history-faults.js'
import { Lane, makeCollections } from './history-lane.js'
import { startS3 } from './s3-server.js'

const LANES = 4
/** Clients leave the machine to the nodes, and more so while their calls fail. */
const THINK_MS = { after: 5, afterFailure: 100 }
/** Fewer calls in a round prove nothing. */
const LEAST_CALLS = 60
const PATIENCE_MS = 180_000
/** The whole history is checked after so many rounds, and in the end. */
const CHECKED_EVERY = 20

export interface HistoryPlan {
  store: 'file' | 's3'
  seed: number
  rounds: number
  roles: readonly string[]
  /** Faults by a part of their names; by default all. */
  only?: RegExp
  /** The compiled code to run; by default the shipped one with short times. */
  dist?: string
  /** Once this file is there, the present round is the last. */
  stopFile?: string
}

export interface HistoryReport {
  seconds: number
  calls: Calls['counts']
  rounds: Record<string, number>
  faults: Record<string, number>
  odd: Record<string, number>
  /** Of the end; null before. */
  points: number | null
}

const FOLDER = join(REPOSITORY, '.cache/histories')

export const accessOf = (port: number) => ({
  AWS_ENDPOINT: `http://127.0.0.1:${port}`,
  AWS_ACCESS_KEY_ID: 'id',
  AWS_SECRET_ACCESS_KEY: 'key-of-the-store',
  AWS_REGION: 'us-east-1',
})

/** Rejects with what was lost or invented, or as void where too little happened. The history is kept then. */
export async function runHistory(plan: HistoryPlan): Promise<HistoryReport> {
  const run = await HistoryRun.start(plan)
  try {
    return await run.run()
  } catch (error) {
    mkdirSync(FOLDER, { recursive: true })
    const file = join(FOLDER, `${plan.store}-${plan.seed}.json`)
    writeFileSync(file, JSON.stringify({ plan, events: run.calls.events }))
    writeFileSync(file.replace(/json$/, 'log'), run.cluster.logs)
    const again = `npm run history -- --store ${plan.store} --seed ${plan.seed} --rounds ${run.round}`
    const where = `seed ${plan.seed}, ${run.told}, history in ${file}; again by: ${again}`
    throw new Error(`${(error as Error).message}\n(${where})`, { cause: error })
  } finally {
    await run.end()
  }
}

class HistoryRun {
  readonly calls = new Calls()
  readonly #lanes: Lane[] = []
  readonly #rounds = new Map<string, number>()
  readonly #random: Random
  #isOver = false
  #failure: Error | null = null
  #working: Promise<unknown> = Promise.resolve()
  #startMs = performance.now()
  /** Number and fault of the present round. */
  round = 0
  told = 'before the first round'

  private constructor(
    readonly plan: HistoryPlan,
    readonly cluster: Cluster,
    readonly root: string,
    readonly address: string,
    readonly port: number,
    readonly stopStore: () => void,
  ) {
    this.#random = new Random(plan.seed)
    for (let number = 0; number < LANES; number++) {
      const random = new Random(plan.seed + 1 + number)
      const pick = () => cluster.pick(random)
      this.#lanes.push(new Lane({ number, random, calls: this.calls, lanes: this.#lanes, pick }))
    }
  }

  static async start(plan: HistoryPlan): Promise<HistoryRun> {
    const root = mkdtempSync(join(tmpdir(), 'vicinal-history-'))
    const server = plan.store === 's3' ? await startS3('bucket') : null
    const address = server ? `s3://bucket/${randomUUID()}/prefix` : pathToFileURL(join(root, 'bucket')).href
    const random = new Random(plan.seed + 1_000)
    const storeProxy = async () => server && (await FaultyProxy.start(server.port, random))
    const main = join(plan.dist ?? alteredDist(brisk(plan.store)), 'cli/main.js')
    const cluster = await Cluster.start({ root, main, address, random, roles: plan.roles, storeProxy, accessOf })
    return new HistoryRun(plan, cluster, root, address, server?.port ?? 0, () => server?.stop())
  }

  async run(): Promise<HistoryReport> {
    this.#startMs = performance.now()
    const { cluster, calls } = this
    const must = (request: Parameters<Cluster['must']>[1]) => cluster.must(cluster.members[0] as Member, request)
    await must({ method: 'PUT', path: '/collections/proofs', body: { vectors: { size: 1, distance: 'Dot' } } })
    await makeCollections(must)
    for (const member of cluster.members)
      for (const name of ['things', 'right'])
        await cluster.must(member, { method: 'GET', path: `/collections/${name}` })
    this.#working = Promise.all(this.#lanes.map((lane) => this.#work(lane)))
    const faults = faultsOf(this.plan.store).filter(([name]) => this.plan.only?.test(name) ?? true)
    let left: (typeof faults)[number][] = []
    while (this.round < this.plan.rounds && !this.#isToldToStop) {
      // Each of them once, before any comes again.
      if (left.length === 0) left = [...faults]
      const [next] = left.splice(this.#random.below(left.length), 1) as [(typeof faults)[number]]
      this.round++
      await this.#round(...next)
      if (this.round % CHECKED_EVERY === 0) checkHistory(calls.soFar)
      this.#report(null)
    }
    this.#isOver = true
    await this.#working
    if (this.#failure) throw this.#failure
    this.told = `the end, after ${this.round} rounds`
    return this.#report(await this.#checkEnd())
  }

  get #isToldToStop(): boolean {
    return this.plan.stopFile !== undefined && existsSync(this.plan.stopFile)
  }

  /** Also to a file, so that a run that is killed has told of its rounds. */
  #report(points: number | null): HistoryReport {
    const { calls, plan } = this
    const report = {
      seconds: Math.round((performance.now() - this.#startMs) / 1_000),
      calls: calls.counts,
      rounds: Object.fromEntries(this.#rounds),
      faults: this.#faults(),
      odd: Object.fromEntries(calls.odd),
      points,
    }
    mkdirSync(FOLDER, { recursive: true })
    const file = join(FOLDER, `${plan.store}-${plan.seed}.report.json`)
    writeFileSync(file, JSON.stringify({ of: plan.rounds, done: this.round, ...report }))
    return report
  }

  #faults(): Record<string, number> {
    const all = new Map(this.cluster.injected)
    for (const { store, peers } of this.cluster.members) {
      for (const [fault, count] of store?.injected ?? []) all.set(fault, count + (all.get(fault) ?? 0))
      all.set('peers', peers.injected + (all.get('peers') ?? 0))
    }
    return Object.fromEntries(all)
  }

  async #work(lane: Lane): Promise<void> {
    const { counts } = this.calls
    while (!this.#isOver && !this.#failure) {
      const before = counts.done + counts.reads
      await lane.step().catch((error) => {
        this.#failure = error
      })
      await pause(counts.done + counts.reads > before ? THINK_MS.after : THINK_MS.afterFailure)
    }
  }

  async #round(name: string, fault: (round: Round) => Promise<void>): Promise<void> {
    const { cluster, calls } = this
    const total = () => calls.counts.done + calls.counts.reads
    const [callsBefore, faultsBefore] = [total(), cluster.injectedCount]
    this.told = `round ${this.round} of ${this.plan.rounds}: ${name}`
    process.stderr.write(`history, ${this.plan.store}, seed ${this.plan.seed}, ${this.told}\n`)
    await fault({
      cluster,
      random: this.#random,
      worked: (changes) => this.#until(`${changes} changes during: ${name}`, () => calls.counts.done, changes),
      spoilt: (faults) => this.#until(`${faults} faults during: ${name}`, () => cluster.injectedCount, faults),
    })
    await cluster.recover()
    if (total() < callsBefore + LEAST_CALLS)
      await this.#until(`${LEAST_CALLS} calls around: ${name}`, total, callsBefore + LEAST_CALLS - total())
    if (cluster.injectedCount === faultsBefore) throw new Error(`void: no fault was injected by: ${name}`)
    this.#rounds.set(name, 1 + (this.#rounds.get(name) ?? 0))
  }

  /** Rejects as void if it takes too long. */
  async #until(what: string, count: () => number, more: number): Promise<void> {
    const wanted = count() + more
    for (const endMs = performance.now() + PATIENCE_MS; count() < wanted; await pause(20)) {
      if (this.#failure) throw this.#failure
      this.cluster.checkAlive()
      if (performance.now() > endMs) throw new Error(`void: expected ${what}, got ${count() - wanted + more}`)
    }
  }

  /** Every node has the same in the end, and so has one that makes its copies from the table and the log alone. */
  async #checkEnd(): Promise<number> {
    const { cluster, calls } = this
    await cluster.recover()
    // Writes whose callers gave up may still be under way.
    const seen = await cluster.until('all nodes show the same', async (tell) => {
      const reads = await Promise.all(cluster.members.map((member) => this.#readAll(member)))
      try {
        checkAgreement(reads)
        return reads
      } catch (error) {
        tell((error as Error).message)
        return null
      }
    })
    checkHistory(calls.events)
    for (const member of cluster.members) await cluster.kill(member, true)
    const [first] = cluster.members as [Member]
    await cluster.launch(first)
    checkAgreement([seen[0] as Read, await this.#readAll(first)])
    await cluster.kill(first, true)
    const damaged = await this.#damageSegments()
    await cluster.launch(first)
    const rebuilt = await this.#readAll(first)
    checkAgreement([seen[0] as Read, rebuilt])
    if (damaged > 0 && !cluster.injected.has('kill and wipe')) throw new Error('void: nothing was rebuilt')
    checkHistory(calls.events)
    return Object.keys(rebuilt.seen).length
  }

  /** All units of all lanes, as one read of a node that has the last write. */
  async #readAll(member: Member): Promise<Read> {
    const { cluster, calls } = this
    const reads = await cluster.until(`node ${member.number} shows everything`, async () => {
      const slot = { number: member.number, process: member.process as NonNullable<Member['process']> }
      const found = await Promise.all(this.#lanes.map((lane) => lane.readAll(slot, calls.watermark)))
      return found.every((read) => read !== null) ? found : null
    })
    return { ...(reads[0] as Read), seen: Object.assign({}, ...reads.map((read) => read?.seen)) }
  }

  /** Spoils every segment that the store has, so that a node without a cache has the table alone. */
  async #damageSegments(): Promise<number> {
    const access = accessOf(this.port)
    if (this.plan.store === 's3') Object.assign(process.env, access)
    try {
      const objects = await Objects.open(parseStore(this.address))
      const listed = await objects.list('segments/')
      for (const { path, bytes } of listed) await objects.write(path, Buffer.alloc(bytes, 7))
      return listed.length
    } finally {
      for (const name of Object.keys(access)) delete process.env[name]
    }
  }

  async end(): Promise<void> {
    this.#isOver = true
    await this.#working.catch(() => undefined)
    await this.cluster.end()
    this.stopStore()
    rmSync(this.root, { recursive: true, force: true })
  }
}

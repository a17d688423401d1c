/** Several nodes on one store, each behind proxies that can cut it off, and killed or stopped at will. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Random } from '../oracle/fault-random.js'
import type { FaultyProxy } from './faulty-proxy.js'
import type { Request, Slot } from './history-calls.js'
import { HistoryViolation } from './history-check.js'
import { NodeProcess } from './node-process.js'
import { PeerProxy } from './peer-proxy.js'

const OWNER_TIMEOUT_MS = 2_500
const CLUSTER_KEY = 'a-key-that-only-nodes-have'
/** For what must happen in the end, on a machine that does other work. */
const PATIENCE_MS = 180_000
const ASK_MS = 5_000
/** A node that cannot answer is asked now and then, so that requests wait in it. */
const ASK_UNRESPONSIVE = 0.05
/** Last characters of a crashed node's log, in the error. */
const LOG_TOLD = 2_000

export interface ClusterPlan {
  root: string
  main: string
  address: string
  random: Random
  roles: readonly string[]
  /** How a node reaches the store: through a proxy of its own, or directly. */
  storeProxy(): Promise<FaultyProxy | null>
  accessOf(port: number): Record<string, string>
}

export interface Member {
  number: number
  role: string
  /** Null while it is killed. */
  process: NodeProcess | null
  store: FaultyProxy | null
  peers: PeerProxy
  /** It answers nothing now, or little. */
  isImpaired: boolean
}

export class Cluster {
  readonly members: Member[] = []
  /** Faults of processes: kills and stops. */
  readonly injected = new Map<string, number>()
  readonly #plan: ClusterPlan
  #logs = ''

  private constructor(plan: ClusterPlan) {
    this.#plan = plan
  }

  static async start(plan: ClusterPlan): Promise<Cluster> {
    const cluster = new Cluster(plan)
    for (const [number, role] of plan.roles.entries()) {
      const [store, peers] = [await plan.storeProxy(), await PeerProxy.start()]
      cluster.members.push({ number, role, process: null, store, peers, isImpaired: false })
      // The first one makes the store, and the others find it.
      if (number === 0) await cluster.launch(cluster.members[0] as Member)
    }
    await Promise.all(cluster.members.slice(1).map((member) => cluster.launch(member)))
    return cluster
  }

  /** What its nodes have said, those included that are gone. */
  get logs(): string {
    return this.#logs + this.members.map(({ number, process }) => `node ${number}:\n${process?.log}`).join('\n')
  }

  async launch(member: Member): Promise<void> {
    const { main, root, address, accessOf } = this.#plan
    const { number, role, store, peers } = member
    const args = ['--store', address, '--cache', this.cacheOf(number), '--role', role, '--advertise', peers.url]
    mkdirSync(join(root, 'home'), { recursive: true })
    member.process = await NodeProcess.start({
      main,
      args: [...args, '--owner-timeout-ms', String(OWNER_TIMEOUT_MS), '--commit-window-ms', '10'],
      env: { VICINAL_CLUSTER_KEY: CLUSTER_KEY, ...(store ? accessOf(store.port) : {}) },
      cwd: join(root, 'home'),
    })
    peers.target = member.process.url
    member.isImpaired = false
  }

  cacheOf(number: number): string {
    return join(this.#plan.root, `cache-${number}`)
  }

  async kill(member: Member, isWiped = false): Promise<void> {
    const { process, number } = member
    member.process = null
    if (process) {
      await process.end('SIGKILL')
      this.#logs += `node ${number}, killed:\n${process.log}\n`
    }
    if (isWiped) rmSync(this.cacheOf(number), { recursive: true, force: true })
    this.note(isWiped ? 'kill and wipe' : 'kill')
  }

  stop(member: Member): void {
    member.process?.stop()
    member.isImpaired = true
    this.note('stop')
  }

  goOn(member: Member): void {
    member.process?.goOn()
    member.isImpaired = false
  }

  note(fault: string): void {
    this.injected.set(fault, 1 + (this.injected.get(fault) ?? 0))
  }

  /** All faults so far, those of stores and of peers included. */
  get injectedCount(): number {
    const ofProcesses = [...this.injected.values()].reduce((sum, count) => sum + count, 0)
    return this.members.reduce(
      (sum, { store, peers }) => sum + (store?.injectedCount ?? 0) + peers.injected,
      ofProcesses,
    )
  }

  pick(random: Random): Slot | null {
    const running = this.members.filter(({ process }) => process?.isAlive)
    const able = running.filter(({ isImpaired }) => !isImpaired)
    const member = random.pick(random.chance(ASK_UNRESPONSIVE) || able.length === 0 ? running : able)
    return member?.process ? { number: member.number, process: member.process } : null
  }

  /** The node that the others take for the owner. */
  async owner(): Promise<Member> {
    return await this.until('an owner is known', async () => await this.#ownerByOthers(this.members))
  }

  async ownerOtherThan(member: Member): Promise<Member> {
    return await this.until(`another node than ${member.number} owns the store`, async () => {
      const owner = await this.#ownerByOthers(this.members.filter((other) => other !== member))
      return owner === member ? null : owner
    })
  }

  async #ownerByOthers(asked: readonly Member[]): Promise<Member | null> {
    for (const { process } of asked) {
      if (!process?.isAlive || process.isStopped) continue
      const answer = await process.ask('GET', '/cluster', undefined, ASK_MS).catch(() => null)
      const { owner, nodes } = answer?.result?.vicinal ?? { owner: null, nodes: [] }
      const url = nodes.find(({ id }: { id: string }) => id === owner)?.url
      const found = this.members.find(({ peers }) => peers.url === url)
      if (found) return found
    }
    return null
  }

  /** Asks until the answer is 200. */
  async must(member: Member, { method, path, body }: Request): Promise<unknown> {
    return await this.until(`${method} ${path} is obeyed by node ${member.number}`, async (tell) => {
      const answer = await member.process?.ask(method, path, body, ASK_MS).catch(({ message }) => void tell(message))
      if (answer && answer.status !== 200) tell(`${answer.status} ${answer.error}`)
      return answer?.status === 200 ? [answer.result] : null
    }).then(([result]) => result)
  }

  async until<T>(what: string, look: (tell: (text: string) => void) => Promise<T | null>): Promise<T> {
    let last = ''
    for (const endMs = performance.now() + PATIENCE_MS; performance.now() < endMs; await pause(50)) {
      this.checkAlive()
      const found = await look((text) => {
        last = text
      })
      if (found !== null) return found
    }
    throw new Error(`not in ${PATIENCE_MS / 1000} s: ${what}; ${last}\n${this.logs}`)
  }

  /** Throws if a node has ended by itself. */
  checkAlive(): void {
    for (const { number, process } of this.members)
      if (process?.crash)
        throw new HistoryViolation(`node ${number}: ${process.crash}\n${process.log.slice(-LOG_TOLD)}`)
  }

  heal(): void {
    for (const { store, peers, process } of this.members) {
      store?.heal()
      peers.fault = null
      if (process?.isStopped) process.goOn()
    }
    for (const member of this.members) member.isImpaired = false
  }

  /** Starts what is dead, and waits until every node takes a write and has those of the others. */
  async recover(): Promise<void> {
    this.heal()
    for (const member of this.members) if (!member.process?.isAlive) await this.launch(member)
    for (const member of this.members) {
      const body = { points: [{ id: member.number + 1, vector: [1], payload: {} }] }
      await this.must(member, { method: 'PUT', path: '/collections/proofs/points', body })
    }
  }

  async end(): Promise<void> {
    for (const { process, peers, store } of this.members) {
      await process?.end('SIGKILL')
      peers.stop()
      store?.stop()
    }
  }
}

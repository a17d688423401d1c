/** What happens to the nodes of a history, one fault a round. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Random } from '../oracle/fault-random.js'
import { MIN_AGE_MS } from './altered-dist.js'
import type { Cluster, Member } from './history-cluster.js'

/** Of so many requests of the store one is spoilt. */
const ONE_OF = 6
const NTH = 4
/** SlateDB's collector looks every quarter of `min_age`. */
const PAST_MIN_AGE_MS = 1.5 * MIN_AGE_MS

export interface Round {
  cluster: Cluster
  random: Random
  /** Resolves once clients have made so many changes more, acknowledged. */
  worked(changes: number): Promise<void>
  /** Resolves once so many faults more were injected. */
  spoilt(faults: number): Promise<void>
}

type Fault = (round: Round) => Promise<void>

async function reader({ cluster, random }: Round): Promise<Member> {
  const owner = await cluster.owner()
  return random.pick(cluster.members.filter((member) => member !== owner))
}

async function stopOwner(round: Round, forMs: number): Promise<void> {
  const { cluster, worked } = round
  const owner = await cluster.owner()
  cluster.stop(owner)
  const startMs = performance.now()
  await cluster.ownerOtherThan(owner)
  await worked(15)
  const leftMs = forMs - (performance.now() - startMs)
  if (leftMs > 0) await pause(leftMs)
  cluster.goOn(owner)
  await worked(10)
}

async function killOwner({ cluster, worked }: Round, isWiped = false): Promise<void> {
  const owner = await cluster.owner()
  await cluster.kill(owner, isWiped)
  await worked(15)
  await cluster.launch(owner)
}

/** Faults that need nothing but the processes. */
const OF_PROCESSES: Record<string, Fault> = {
  'kill -9 of the owner': (round) => killOwner(round),
  'kill -9 of a reader, whose cache is wiped': async (round) => {
    const member = await reader(round)
    await round.cluster.kill(member, true)
    await round.worked(10)
    await round.cluster.launch(member)
  },
  'the owner is stopped past its heartbeat': (round) => stopOwner(round, 0),
  'the owner is stopped past min_age': (round) => stopOwner(round, PAST_MIN_AGE_MS),
  'a reader is stopped': async (round) => {
    const member = await reader(round)
    round.cluster.stop(member)
    await round.worked(15)
    round.cluster.goOn(member)
  },
  'the owner is cut off from its peers': async ({ cluster, worked, spoilt }) => {
    const owner = await cluster.owner()
    owner.peers.fault = 'cut'
    await spoilt(3)
    await worked(15)
  },
  'answers of the owner to its peers are lost': async ({ cluster, worked, spoilt }) => {
    const owner = await cluster.owner()
    owner.peers.fault = 'swallow'
    await spoilt(3)
    await worked(10)
  },
  'the owner is killed while another node hangs': async (round) => {
    const member = await reader(round)
    round.cluster.stop(member)
    await killOwner(round, true)
    round.cluster.goOn(member)
  },
}

const spoilAll = ({ members }: Cluster) => {
  for (const { store } of members) if (store) store.oneOf = ONE_OF
}

/** Faults of a store that is reached through proxies. */
const OF_STORES: Record<string, Fault> = {
  'the store spoils requests': async ({ cluster, worked, spoilt }) => {
    spoilAll(cluster)
    await spoilt(25)
    await worked(15)
  },
  'the store refuses every nth request': async ({ cluster, worked, spoilt }) => {
    for (const { store } of cluster.members) if (store) store.everyNth = NTH
    await spoilt(25)
    await worked(10)
  },
  'the owner is cut off from the store': async ({ cluster, worked }) => {
    const owner = await cluster.owner()
    owner.isImpaired = true
    if (owner.store) owner.store.isCut = true
    await cluster.ownerOtherThan(owner)
    await worked(15)
  },
  'a reader is cut off from the store': async (round) => {
    const member = await reader(round)
    if (member.store) member.store.isCut = true
    await round.spoilt(3)
    await round.worked(15)
  },
  'the owner is killed while the store spoils requests': async (round) => {
    spoilAll(round.cluster)
    await round.spoilt(5)
    await killOwner(round)
  },
  'the owner is stopped past its heartbeat while the store spoils requests': async (round) => {
    spoilAll(round.cluster)
    await stopOwner(round, 0)
  },
}

export function faultsOf(isProxied: boolean): readonly (readonly [name: string, fault: Fault])[] {
  return Object.entries(isProxied ? { ...OF_PROCESSES, ...OF_STORES } : OF_PROCESSES)
}

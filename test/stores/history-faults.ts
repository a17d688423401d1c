/** What happens to the nodes of a history, one fault a round. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Random } from '../oracle/fault-random.js'
import { MIN_AGE_MS } from './altered-dist.js'
import type { Cluster, Member } from './history-cluster.js'
import { STEPS, type StepMatcher } from './owner-steps.js'

/** Of so many requests of the store one is spoilt: fewer where another node has to open the store meanwhile. */
const ONE_OF = 6
const ONE_OF_OPENINGS = 40
const NTH = 4
/** SlateDB's collector looks every quarter of `min_age`. */
const pastMinAge = ({ cluster }: Round) => 1.5 * MIN_AGE_MS[cluster.members[0]?.store ? 's3' : 'file']

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
  for (const { store } of cluster.members) store?.heal()
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
  'the owner is stopped past min_age': (round) => stopOwner(round, pastMinAge(round)),
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
  'the owner is killed while a node hangs that only reads': async (round) => {
    const member = round.cluster.members.find(({ role }) => role === 'query') as Member
    round.cluster.stop(member)
    await killOwner(round, true)
    round.cluster.goOn(member)
  },
}

const spoilAll = ({ members }: Cluster, oneOf: number) => {
  for (const { store } of members) if (store) store.oneOf = oneOf
}

/** Faults of a store that is reached through proxies. */
const OF_STORES: Record<string, Fault> = {
  'the store spoils requests': async ({ cluster, worked, spoilt }) => {
    spoilAll(cluster, ONE_OF)
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
    spoilAll(round.cluster, ONE_OF_OPENINGS)
    await round.spoilt(5)
    await killOwner(round)
  },
  'the owner is stopped past its heartbeat while the store spoils requests': async (round) => {
    spoilAll(round.cluster, ONE_OF_OPENINGS)
    await stopOwner(round, 0)
  },
}

/** The first request of this step waits in the proxy, and its node is stopped. Another node takes the store and works. */
async function pauseAt({ cluster, random, worked }: Round, step: string, forMs: number): Promise<void> {
  let release: () => void = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  let paused: Member | null = null
  for (const member of cluster.members) {
    const isStep = (STEPS[step] as () => StepMatcher)()
    if (!member.store) continue
    member.store.hold = (request) => {
      if (paused !== null || !isStep(request)) return null
      paused = member
      cluster.stop(member)
      return released
    }
  }
  try {
    const member = await cluster.until(`a node comes to ${step}`, async () => paused)
    const startMs = performance.now()
    await cluster.ownerOtherThan(member)
    await worked(15)
    await pause(Math.max(0, forMs - (performance.now() - startMs)))
    // The request arrives before its node goes on, or with it.
    if (random.chance(0.5)) cluster.goOn(member)
    release()
    await pause(random.between(0, 500))
    cluster.goOn(member)
    await worked(10)
  } finally {
    release()
  }
}

const OF_STEPS = Object.fromEntries(
  Object.keys(STEPS).flatMap((step): [string, Fault][] => [
    [`an owner is paused past its heartbeat at: ${step}`, (round) => pauseAt(round, step, 0)],
    [`an owner is paused past min_age at: ${step}`, (round) => pauseAt(round, step, pastMinAge(round))],
  ]),
)

export function faultsOf(store: 'file' | 's3'): readonly (readonly [name: string, fault: Fault])[] {
  return Object.entries(store === 's3' ? { ...OF_PROCESSES, ...OF_STORES, ...OF_STEPS } : OF_PROCESSES)
}

/** Chooses the configurations to measure, and the one to take afterwards. */
import type { MemoryPlacement } from '../core/memory.js'
import type { ConfigChange, Distance, Quantization, ResolvedVector, VectorChange } from '../core/schema.js'

export interface Configuration {
  quantization: Quantization
  m: number
  onDisk: boolean
}

/** Measured results of queries that ask for one recall, run one at a time. */
export interface Pace {
  asked: number
  recall: number
  /** Half the width of the 95 % interval of the mean recall. */
  uncertainty: number
  queriesPerSecond: number
  p50Ms: number
  p99Ms: number
}

export interface Trial {
  configuration: Configuration
  buildSeconds: number
  /** Memory of the whole collection in this configuration, from the kernel's report. */
  memoryBytes: number
  /** In the order of rising asked recall. */
  paces: Pace[]
}

export interface Wanted {
  recall: number
  /** null: no bound. */
  memoryBytes: number | null
}

/** The change that gives a vector the chosen codes and graph. Codes keep their placement. */
export function changeTo(
  { quantization, m, onDisk }: Configuration,
  { memory, ...present }: Pick<ResolvedVector, 'quantization' | 'm' | 'memory' | 'distance'>,
): VectorChange {
  const isMoved = quantization !== 'none' && onDisk !== (memory.vectors === 'cold')
  return {
    ...(quantization === codesFor(present) ? {} : codesOf(quantization, memory.codes)),
    ...(m === present.m ? {} : { hnswConfig: { m } }),
    // A pinned vector stays pinned, unless vectors on disk were chosen.
    ...(isMoved ? { memory: onDisk ? ('cold' as const) : ('cached' as const) } : {}),
  }
}

/** Changes the collection's own configuration if the vector is its only one and has no overrides. */
export function changeOf(change: VectorChange, { name, overrides }: ResolvedVector, isAlone: boolean): ConfigChange {
  const { memory, ...rest } = change
  const isApart = overrides.quantization !== undefined || overrides.hnswConfig !== undefined
  if (!isAlone || isApart) return { vectors: { [name]: change } }
  return { ...rest, ...(memory === undefined ? {} : { vectors: { [name]: { memory } } }) }
}

/** Only Qdrant's form of the setting can say where codes are placed. */
function codesOf(quantization: Quantization, memory: MemoryPlacement): VectorChange {
  if (memory === 'cached') return { quantization }
  if (quantization === 'sq8') return { quantizationConfig: { scalar: { type: 'int8', memory } } }
  if (quantization === 'rabitq4') return { quantizationConfig: { turbo: { bits: 'bits4', memory } } }
  if (quantization === 'rabitq1') return { quantizationConfig: { binary: { memory } } }
  return { quantization }
}

export const DEFAULT_M = 16
const OTHER_M = [8, 32]
/** Codes that did best with the usual graph are tried with smaller and larger graphs. */
const PROMISING = 2
const FINALISTS = 4
/** A gain within the noise of measurements is not worth a rebuild. */
const WORTH_CHANGING = 1.05

/** Manhattan has no codes. */
function hasCodes(distance: Distance): boolean {
  return distance !== 'Manhattan'
}

function codesFor({ quantization, distance }: Pick<ResolvedVector, 'quantization' | 'distance'>): Quantization {
  return hasCodes(distance) ? quantization : 'none'
}

/** The vector's effective configuration: without codes its vectors are always in memory. */
export function presentOf(vector: ResolvedVector): Configuration {
  const quantization = codesFor(vector)
  return { quantization, m: vector.m, onDisk: quantization !== 'none' && vector.memory.vectors === 'cold' }
}

/** The first builds: every kind of code with the usual graph, and the present configuration. */
export function firstBuilds(present: Configuration, distance: Distance): Configuration[] {
  const kinds: Quantization[] = hasCodes(distance) ? ['auto', 'none', 'sq8', 'rabitq4', 'rabitq1'] : ['none']
  const builds = kinds.map((quantization) => ({ quantization, m: DEFAULT_M, onDisk: false }))
  const own = { ...present, onDisk: false }
  return builds.some((build) => isSame(build, own)) ? builds : [...builds, own]
}

/** The next builds: the most promising kinds of code with other sizes of the graph. */
export function furtherBuilds(trials: readonly Trial[], wanted: Wanted): Configuration[] {
  const usual = trials.filter(({ configuration }) => configuration.m === DEFAULT_M)
  const kinds = [...usual]
    .sort((a, b) => byPromise(a, b, wanted))
    .map(({ configuration }) => configuration.quantization)
  return [...new Set(kinds)]
    .slice(0, PROMISING)
    .flatMap((quantization) => OTHER_M.map((m) => ({ quantization, m, onDisk: false })))
    .filter((build) => trials.every(({ configuration }) => !isSame(build, configuration)))
}

export function isSame(a: Configuration, b: Configuration): boolean {
  return a.quantization === b.quantization && a.m === b.m && a.onDisk === b.onDisk
}

/** The pace at the least effort that reaches the wanted recall; if none does, at the most effort. */
export function paceAt(trial: Trial, recall: number): Pace {
  const enough = trial.paces.filter((pace) => pace.asked >= recall && reaches(pace, recall))
  return (enough[0] ?? trial.paces.at(-1)) as Pace
}

/** Whether the recall is reached, within the uncertainty of the measurement. */
export function reaches(pace: Pace, recall: number): boolean {
  return pace.recall + pace.uncertainty >= recall
}

export function fits(trial: Trial, wanted: Wanted): boolean {
  return wanted.memoryBytes === null || trial.memoryBytes <= wanted.memoryBytes
}

export function meets(trial: Trial, wanted: Wanted): boolean {
  return fits(trial, wanted) && reaches(paceAt(trial, wanted.recall), wanted.recall)
}

/** The fastest trials that meet the goal, and the present configuration. They are measured again in turns. */
export function finalists(trials: readonly Trial[], present: Configuration, wanted: Wanted): Trial[] {
  const fastest = trials
    .filter((trial) => meets(trial, wanted))
    .sort((a, b) => byPromise(a, b, wanted))
    .slice(0, FINALISTS)
  const own = trials.find(({ configuration }) => isSame(configuration, present))
  return own && !fastest.includes(own) ? [...fastest, own] : fastest
}

export interface Choice {
  trial: Trial
  why: string
}

/** The fastest of the finalists that meets the goal; null if none does. */
export function choose(trials: readonly Trial[], present: Configuration, wanted: Wanted): Choice | null {
  const speed = (trial: Trial) => paceAt(trial, wanted.recall).queriesPerSecond
  const able = trials.filter((trial) => meets(trial, wanted)).sort((a, b) => speed(b) - speed(a))
  const [fastest] = able
  if (!fastest) return null
  const own = able.find(({ configuration }) => isSame(configuration, present))
  if (own && speed(fastest) <= speed(own) * WORTH_CHANGING) {
    const why =
      own === fastest
        ? 'the present configuration is the fastest'
        : 'the present configuration is within 5 % of the fastest, which is not worth a rebuild'
    return { trial: own, why }
  }
  const gain = own ? `, ${(speed(fastest) / speed(own)).toFixed(2)} times as fast as the present configuration` : ''
  return { trial: fastest, why: `the fastest${gain}` }
}

/** Trials that meet the goal come first, then the faster ones. */
function byPromise(a: Trial, b: Trial, wanted: Wanted): number {
  const [mine, other] = [Number(meets(a, wanted)), Number(meets(b, wanted))]
  if (mine !== other) return other - mine
  return paceAt(b, wanted.recall).queriesPerSecond - paceAt(a, wanted.recall).queriesPerSecond
}

export function describe({ quantization, m, onDisk }: Configuration): string {
  return `${quantization}, m ${m}, vectors ${onDisk ? 'on disk' : 'in memory'}`
}

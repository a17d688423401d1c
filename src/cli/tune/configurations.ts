/** Which configurations are worth measuring, and which of those measured to take. */
import type { MemoryPlacement } from '../../core/memory.js'
import type { ConfigChange, Distance, Quantization, ResolvedVector, VectorChange } from '../../core/schema.js'

export interface Configuration {
  quantization: Quantization
  m: number
  onDisk: boolean
}

/** What queries that ask for some recall get, one at a time. */
export interface Pace {
  asked: number
  recall: number
  /** Half the width of the 95 % interval of that mean. */
  uncertainty: number
  queriesPerSecond: number
  p50Ms: number
  p99Ms: number
}

export interface Trial {
  configuration: Configuration
  buildSeconds: number
  /** Of the whole collection with it, from what the kernel reports. */
  memoryBytes: number
  /** By rising recall asked for. */
  paces: Pace[]
}

export interface Wanted {
  recall: number
  /** null: as much as it takes. */
  memoryBytes: number | null
}

/** What has a vector get the codes and the graph that were chosen; codes stay where they were placed. */
export function changeTo(
  { quantization, m, onDisk }: Configuration,
  { memory, ...present }: Pick<ResolvedVector, 'quantization' | 'm' | 'memory' | 'distance'>,
): VectorChange {
  const isMoved = quantization !== 'none' && onDisk !== (memory.vectors === 'cold')
  return {
    ...(quantization === codesFor(present) ? {} : codesOf(quantization, memory.codes)),
    ...(m === present.m ? {} : { hnswConfig: { m } }),
    // What is pinned stays so, unless it is the disk that is chosen.
    ...(isMoved ? { memory: onDisk ? ('cold' as const) : ('cached' as const) } : {}),
  }
}

/** Of a collection's only vector it is the collection's own configuration, unless the vector has one apart. */
export function changeOf(change: VectorChange, { name, overrides }: ResolvedVector, isAlone: boolean): ConfigChange {
  const { memory, ...rest } = change
  const isApart = overrides.quantization !== undefined || overrides.hnswConfig !== undefined
  if (!isAlone || isApart) return { vectors: { [name]: change } }
  return { ...rest, ...(memory === undefined ? {} : { vectors: { [name]: { memory } } }) }
}

/** Only Qdrant's words say where codes are to be. */
function codesOf(quantization: Quantization, memory: MemoryPlacement): VectorChange {
  if (memory === 'cached') return { quantization }
  if (quantization === 'sq8') return { quantizationConfig: { scalar: { type: 'int8', memory } } }
  if (quantization === 'rabitq4') return { quantizationConfig: { turbo: { bits: 'bits4', memory } } }
  if (quantization === 'rabitq1') return { quantizationConfig: { binary: { memory } } }
  return { quantization }
}

export const DEFAULT_M = 16
const OTHER_M = [8, 32]
/** The codes that did best with the usual graph are tried with smaller and larger ones. */
const PROMISING = 2
const FINALISTS = 4
/** A rebuild is not worth a gain within what measurements differ by from run to run. */
const WORTH_CHANGING = 1.05

/** Manhattan has none. */
function hasCodes(distance: Distance): boolean {
  return distance !== 'Manhattan'
}

function codesFor({ quantization, distance }: Pick<ResolvedVector, 'quantization' | 'distance'>): Quantization {
  return hasCodes(distance) ? quantization : 'none'
}

/** What a vector has now, whatever is configured: where there are no codes, its vectors are in memory. */
export function presentOf(vector: ResolvedVector): Configuration {
  const quantization = codesFor(vector)
  return { quantization, m: vector.m, onDisk: quantization !== 'none' && vector.memory.vectors === 'cold' }
}

/** Graphs and codes to build first: every kind of code with the usual graph, and what the collection has now. */
export function firstBuilds(present: Configuration, distance: Distance): Configuration[] {
  const kinds: Quantization[] = hasCodes(distance) ? ['auto', 'none', 'sq8', 'rabitq4', 'rabitq1'] : ['none']
  const builds = kinds.map((quantization) => ({ quantization, m: DEFAULT_M, onDisk: false }))
  const own = { ...present, onDisk: false }
  return builds.some((build) => isSame(build, own)) ? builds : [...builds, own]
}

/** Then, of the kinds that came nearest to what is wanted, other sizes of the graph. */
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

/** The pace at the least effort that gives the recall wanted; where none does, at the most effort there is. */
export function paceAt(trial: Trial, recall: number): Pace {
  const enough = trial.paces.filter((pace) => pace.asked >= recall && reaches(pace, recall))
  return (enough[0] ?? trial.paces.at(-1)) as Pace
}

/** Not below by more than chance explains. */
export function reaches(pace: Pace, recall: number): boolean {
  return pace.recall + pace.uncertainty >= recall
}

export function fits(trial: Trial, wanted: Wanted): boolean {
  return wanted.memoryBytes === null || trial.memoryBytes <= wanted.memoryBytes
}

export function meets(trial: Trial, wanted: Wanted): boolean {
  return fits(trial, wanted) && reaches(paceAt(trial, wanted.recall), wanted.recall)
}

/** The fastest that meet what is wanted, and what there is: to be measured again, beside each other. */
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

/** The fastest that meets what is wanted of those measured beside each other; null where none does. */
export function choose(trials: readonly Trial[], present: Configuration, wanted: Wanted): Choice | null {
  const speed = (trial: Trial) => paceAt(trial, wanted.recall).queriesPerSecond
  const able = trials.filter((trial) => meets(trial, wanted)).sort((a, b) => speed(b) - speed(a))
  const [fastest] = able
  if (!fastest) return null
  const own = able.find(({ configuration }) => isSame(configuration, present))
  if (own && speed(fastest) <= speed(own) * WORTH_CHANGING) {
    const why =
      own === fastest
        ? 'what it has now is the fastest'
        : 'what it has now is within 5 % of the fastest, which is not worth a rebuild'
    return { trial: own, why }
  }
  const gain = own ? `, ${(speed(fastest) / speed(own)).toFixed(2)} times as fast as what it has now` : ''
  return { trial: fastest, why: `the fastest${gain}` }
}

/** Those that meet what is wanted before those that don't, then by speed. */
function byPromise(a: Trial, b: Trial, wanted: Wanted): number {
  const [mine, other] = [Number(meets(a, wanted)), Number(meets(b, wanted))]
  if (mine !== other) return other - mine
  return paceAt(b, wanted.recall).queriesPerSecond - paceAt(a, wanted.recall).queriesPerSecond
}

export function describe({ quantization, m, onDisk }: Configuration): string {
  return `${quantization}, m ${m}, vectors ${onDisk ? 'on disk' : 'in memory'}`
}

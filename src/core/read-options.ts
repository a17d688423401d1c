import Type from 'typebox'
import { CALL_OPTIONS, type CallOptions } from './call-options.js'
import { flag, missing, optional, text } from './vocabulary/declare.js'
import { isPlain } from './vocabulary/reader.js'

export type WithPayload = boolean | readonly string[] | { include: readonly string[] } | { exclude: readonly string[] }
export type WithVector = boolean | readonly string[]

const keys = (description: string) => Type.Array(text('A path into the payload.'), { description })

export const WithPayload = Type.Union(
  [
    Type.Boolean({ description: 'All payload, or none.' }),
    keys('Keys to return.'),
    Type.Object({ include: keys('Keys to return.') }),
    Type.Object({ exclude: keys('Keys to leave out.') }),
  ],
  {
    $id: 'WithPayload',
    description: 'Whether payloads are returned, or the keys to include or exclude.',
    expected: 'a boolean, an array of keys, { include } or { exclude }',
    choose: (value: unknown) => {
      if (typeof value === 'boolean') return 0
      if (Array.isArray(value)) return 1
      if (!isPlain(value) || ('include' in value && 'exclude' in value)) return -1
      return 'include' in value ? 2 : 'exclude' in value ? 3 : -1
    },
  },
)

export const WithVector = Type.Union(
  [
    Type.Boolean({ description: 'All vectors, or none.' }),
    Type.Array(text('A vector name.'), { description: 'Vectors to return.' }),
  ],
  {
    $id: 'WithVector',
    description: 'Whether vectors are returned, or the names of those to return.',
    expected: 'a boolean or an array of vector names',
  },
)

/** Options for the parts of each point that are returned. */
export interface ReadOptions extends CallOptions {
  /** Whether payloads are returned, or the keys to include or exclude. Default true. */
  withPayload?: WithPayload
  /** Whether vectors are returned, or the names of those to return. Default false. */
  withVector?: WithVector
  /** Returns payloads as RawJson unless keys are selected, for callers that pass them on as text. */
  rawPayload?: boolean
}

/** Options for the parts of each point that are returned, on all faces. */
export const returned = { withPayload: optional(WithPayload), withVector: optional(WithVector) }
/** `with_vectors`, as older clients spell it. */
export const RETURNED_ALIASES = { withVector: ['with_vectors'] }

/** Shards of a cluster. */
export const shardKey = missing('Shards of a cluster.')

/** Options of every read of the library that returns points. */
export const readFields = {
  ...returned,
  rawPayload: flag('Returns payloads as RawJson. Default false.'),
  ...CALL_OPTIONS,
}

/** Streams of points into a collection: their options and results, declared once. */
import Type, { type Static } from 'typebox'
import { CALL_OPTIONS } from './call-options.js'
import { invalid } from './errors.js'
import { LIMITS } from './limits.js'
import type { Point } from './point.js'
import { byName, integer, opaque, optional, text } from './vocabulary/declare.js'

/** The forms of a stream: points as JSON lines, as MessagePack maps one after the other, and as columns of Arrow. */
export const INGEST_TYPES = [
  'application/x-ndjson',
  'application/msgpack',
  'application/vnd.apache.arrow.stream',
] as const
export type IngestType = (typeof INGEST_TYPES)[number]

/** Counts of the collection's rules. Absent without rules. */
const BY_RULES = {
  quarantined: optional(integer({ description: 'With rules: rows that are in the quarantine instead.' })),
  fixed: optional(integer({ description: 'With rules: stored rows that a rule has mended.' })),
  flagged: optional(integer({ description: 'With rules: stored rows that have the name of a rule as a flag.' })),
}
const byRule = optional(
  byName(integer({ description: 'Rows.' }), {
    description: 'With rules: rows by the name of each rule that they broke; `invalid` counts rows that are no points.',
  }),
)

/** The rows that were stored and refused so far. */
export const IngestCounts = Type.Object({
  accepted: integer({ description: 'Rows that are stored.' }),
  rejected: integer({ description: 'Rows that are refused. The others of their batch are stored.' }),
  position: integer({ description: 'Rows of the source that are done: a next stream of it begins here.' }),
  ...BY_RULES,
})
export type IngestCounts = Static<typeof IngestCounts>

/** A row that is not stored: it is no point of the collection, or a rule has refused it. */
export const RejectedRow = Type.Object({
  row: integer({ description: 'Number of the row in its source, from 0.' }),
  code: text('The code of the error, as docs/errors.md lists them.'),
  error: text('Why the row is refused.'),
  field: optional(text('The part of the row that is wrong.')),
  rule: optional(text('The rule that has refused the row.')),
  action: optional(
    Type.Enum(['reject', 'quarantine'], { description: '`quarantine`: the row is in the quarantine of the rules.' }),
  ),
})
export type RejectedRow = Static<typeof RejectedRow>

export const IngestResult = Type.Object(
  {
    ...IngestCounts.properties,
    byRule,
    watermark: optional(Type.String({ description: 'On a store: a read with `after` of this text sees the rows.' })),
    errors: Type.Array(RejectedRow, { description: 'The first refused rows, in order; how many, the caller says.' }),
  },
  { $id: 'IngestResult', description: 'What became of the rows of a stream.' },
)
export type IngestResult = Static<typeof IngestResult>

/** Counts of a collection's rules for the points of one write. */
export const Cleaning = Type.Object(
  {
    accepted: integer({ description: 'Points that are stored.' }),
    rejected: integer({ description: 'Points that are refused.' }),
    quarantined: integer({ description: 'Points that are in the quarantine instead.' }),
    fixed: integer({ description: 'Stored points that a rule has mended.' }),
    flagged: integer({ description: 'Stored points that have the name of a rule as a flag.' }),
    byRule: byName(integer({ description: 'Points.' }), {
      description: 'Points by the name of each rule that they broke; `invalid` counts those that are no points.',
    }),
    errors: Type.Array(RejectedRow, {
      description: `The first ${LIMITS.ingestErrors} points that are not stored; \`row\` is their place in the write.`,
    }),
  },
  { $id: 'Cleaning', description: 'What the rules of the collection did with the points of a write.' },
)
export type Cleaning = Static<typeof Cleaning>

/** A stream that can be resumed. */
export const IngestSource = Type.Object({
  /** Names the source in its collection. */
  name: opaque<string>({
    description: 'Names the source in its collection.',
    type: 'string',
    accepts: (value) => typeof value === 'string' && value.length > 0 && value.length <= LIMITS.nameLength,
    expected: `a text of 1 to ${LIMITS.nameLength} characters`,
  }),
  /** Rows of the source before the first one of this stream. Default 0. */
  position: optional(integer({ description: 'Rows of the source before the first one of this stream. Default 0.' })),
})

/** How many refused rows the result has. */
export const mostErrors = optional(
  integer({
    description: `Refused rows that the result has. Default ${LIMITS.ingestErrors}; at most ${LIMITS.ingestBatchRows}.`,
    maximum: LIMITS.ingestBatchRows,
  }),
)

/** Options of `ingest`. `timeoutMs` applies to each batch. */
export const IngestOptions = Type.Object({
  /** The form of a stream of bytes. Absent: the stream gives points. */
  type: optional(
    Type.Enum(INGEST_TYPES, { description: 'The form of a stream of bytes. Absent: the stream gives points.' }),
  ),
  /** Refused rows that the result has. Default 100. */
  mostErrors,
  /** Rows of a source that are stored already are left out. */
  source: optional(IngestSource),
  /** Called after each batch. */
  onProgress: optional(
    opaque<(counts: IngestCounts) => void>({
      description: 'Called after each batch.',
      accepts: (value) => typeof value === 'function',
      expected: 'a function',
    }),
  ),
  ...CALL_OPTIONS,
})
export type IngestOptions = Static<typeof IngestOptions>

/** Bytes in pieces of any size, such as a Readable of Node or of the web; or without a `type` points, one by one. */
export type IngestStream =
  | AsyncIterable<Uint8Array>
  | Iterable<Uint8Array>
  | AsyncIterable<Point<unknown>>
  | Iterable<Point<unknown>>
/** Streams of bytes. */
export type IngestBytes = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

export function checkStream(stream: unknown): void {
  const isObject = stream !== null && typeof stream === 'object'
  if (isObject && (Symbol.asyncIterator in stream || Symbol.iterator in stream)) return
  throw invalid('stream', 'expected an iterable of points, or of bytes with their type', stream)
}

/**
 * Parameters of the query string, declared once. A route names those it has; they are read by that declaration, and the
 * OpenAPI document tells them. Parameters that a route does not name are ignored, as in Qdrant.
 */
import Type, { type Static, type TObject, type TSchema } from 'typebox'
import { mostErrors } from '../core/ingest.js'
import { qualityFields } from '../core/quality.js'
import { RECOVERY } from '../core/snapshots.js'
import { count, integer, opaque, optional } from '../core/vocabulary/declare.js'
import { readerOf } from '../core/vocabulary/reader.js'
import { Reading } from '../core/vocabulary/reading.js'
import { snakeCase } from '../core/vocabulary/spelling.js'

/** Parts of the answer about optimizations that are told if they are asked for. */
export const OPTIMIZATION_PARTS = ['queued', 'completed', 'idle_segments'] as const
const DIGITS = /^\d{1,20}$/
const DECIMAL = /^-?\d{1,20}(\.\d{1,40})?([eE][+-]?\d{1,3})?$/
const WATERMARK = /^[\w.-]{1,64}$/

const flag = (description: string) => optional(Type.Boolean({ description }))
const seconds = {
  description: 'Seconds; past them the answer is 408. More than the service waits is no error.',
  minimum: 1,
}
const timeout = optional(count({ ...seconds, isNonZero: true }))
const wait = flag('Whether the answer waits for stable storage. Default false.')
const noEffect = 'Checked; no effect on one node.'
const after = optional(
  opaque<string>({
    description: 'Not in Qdrant, on a store: the watermark of a write. The answer waits for it, or is 503.',
    accepts: (value) => typeof value === 'string' && WATERMARK.test(value),
    expected: 'the watermark of a write',
    type: 'string',
  }),
)

export const CallParameters = Type.Object({ after, timeout })
export const ReadParameters = Type.Object({
  consistency: optional(
    Type.Union(
      [
        integer({ description: 'Replicas.', minimum: 1, isNonZero: true }),
        Type.Enum(['majority', 'quorum', 'all'], { description: 'Which replicas.' }),
      ],
      { description: 'Checked; no effect: every node has all points. `after` demands those of a write.' },
    ),
  ),
  after,
  timeout,
})
export const WriteParameters = Type.Object({
  wait,
  ordering: optional(
    Type.Enum(['weak', 'medium', 'strong'], { description: 'Checked; no effect: one node does all writes, in order.' }),
  ),
  after,
  timeout,
})
export const IngestParameters = Type.Object({
  errors: mostErrors,
  progress: flag('Whether the answer begins while the body is still read, and tells the progress. Default true.'),
  from: optional(integer({ description: 'Rows of the source before the first one of this stream. Default 0.' })),
  timeout: optional(
    count({ ...seconds, description: 'Seconds for each batch; past them the stream ends with 408.', isNonZero: true }),
  ),
})
export const QualityParameters = Type.Object({
  ...qualityFields,
  history: flag('Whether the kept reports are told, without making another. Default false.'),
  after,
  timeout,
})
/** Of changes of collections and aliases. */
export const ChangeParameters = Type.Object({
  timeout: optional(count(seconds)),
})
export const CreationParameters = Type.Object({
  ...ChangeParameters.properties,
  ensure: flag('Not in Qdrant: a collection that is there with this configuration is no error. Default false.'),
})
export const QuotaParameters = Type.Object({ wait: flag(noEffect), timeout })
const anonymize = flag('Whether names are told as digests. Default false.')
const perCollection = flag('Checked; requests are counted by path.')
const detailsLevel = optional(integer({ description: '1 adds the process, 2 collections, 3 each in full. Default 0.' }))
export const MetricsParameters = Type.Object({ anonymize, perCollection, timeout })
export const TelemetryParameters = Type.Object({ anonymize, perCollection, detailsLevel, timeout })
export const ClusterTelemetryParameters = Type.Object({ detailsLevel, timeout })
export const OptimizationsParameters = Type.Object({
  with: optional(
    opaque<string>({
      description: `Parts to tell, with commas between them: ${OPTIMIZATION_PARTS.join(', ')}.`,
      accepts: (value) => value === '' || (typeof value === 'string' && value.split(',').every(isPart)),
      expected: `some of ${OPTIMIZATION_PARTS.join(', ')}`,
      type: 'string',
    }),
  ),
  completedLimit: optional(integer({ description: 'Checked; finished work is not kept.', default: 16 })),
  timeout,
})
const snapshotWait = flag('`false`: the answer is 202 at once, and the work goes on. Default true.')
export const SnapshotParameters = Type.Object({ wait: snapshotWait, timeout })
export const UploadParameters = Type.Object({
  ...SnapshotParameters.properties,
  ...RECOVERY,
})

function isPart(part: string): boolean {
  return (OPTIMIZATION_PARTS as readonly string[]).includes(part)
}

/** All of them, each absent where its route does not name it. */
export type Parameters = Partial<
  Static<typeof ReadParameters> &
    Static<typeof WriteParameters> &
    Static<typeof IngestParameters> &
    Static<typeof CreationParameters> &
    Static<typeof QualityParameters> &
    Static<typeof TelemetryParameters> &
    Static<typeof OptimizationsParameters> &
    Static<typeof UploadParameters>
>

const NONE: Parameters = {}

/**
 * @throws INVALID_ARGUMENT: a text of the wrong form (400), or a number beyond its bounds (422).
 */
export function readParameters(declared: TObject, query: Readonly<Record<string, unknown>>): Parameters {
  // Most requests have none.
  let known: Record<string, unknown> | null = null
  for (const [name, schema] of propertiesOf(declared)) {
    const value = query[name]
    // As in Qdrant, an empty one asks for nothing.
    if (value === undefined || (value === '' && name === 'consistency')) continue
    known ??= {}
    known[name] = ofForm(value, schema)
  }
  if (known === null) return NONE
  const reading = new Reading('wire', 'query', undefined, 'query parameters')
  const parameters = readerOf(declared)(known, null, reading)
  reading.end()
  return parameters as Parameters
}

const properties = new WeakMap<TObject, [name: string, schema: TSchema][]>()

/** By the names of the wire. */
function propertiesOf(declared: TObject): [name: string, schema: TSchema][] {
  let found = properties.get(declared)
  if (found === undefined) {
    found = Object.entries(declared.properties).map(([name, schema]) => [snakeCase(name), schema])
    properties.set(declared, found)
  }
  return found
}

/** Query strings have texts alone: a number or a flag where one is declared and the text has its form. */
function ofForm(value: unknown, schema: TSchema): unknown {
  if (typeof value !== 'string') return value
  if (Type.IsBoolean(schema)) return value === 'true' ? true : value === 'false' ? false : value
  if (Type.IsNumber(schema)) return DECIMAL.test(value) ? Number(value) : value
  const isNumber = Type.IsInteger(schema) || (Type.IsUnion(schema) && schema.anyOf.some(Type.IsInteger))
  if (!isNumber || !DIGITS.test(value)) return value
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : BigInt(value)
}

/** The verb `repair` of records in a quarantine: its options and result, declared once. */
import Type, { type Static } from 'typebox'
import { FIXES } from './ingestion-rules.js'
import { LIMITS } from './limits.js'
import type { Payload, PointId, PointVector } from './point.js'
import { POINT_ID } from './selector.js'
import { integer, list, opaque, optional, text } from './vocabulary/declare.js'
import { isPlain } from './vocabulary/plain.js'

const recordId = opaque<PointId>({
  description: 'The id of a record in the quarantine.',
  as: POINT_ID,
  accepts: (value) => ['string', 'number', 'bigint'].includes(typeof value),
  expected: 'an id',
})

export const Replacement = Type.Object(
  {
    id: recordId,
    vector: optional(
      opaque<PointVector>({ description: 'Vectors in place of those of the record: all of them, or by name.' }),
    ),
    payload: optional(
      opaque<Payload>({
        description: 'The payload in place of that of the record.',
        type: 'object',
        accepts: isPlain,
        expected: 'an object',
      }),
    ),
  },
  { $id: 'Replacement', description: 'A record of the quarantine with other vectors or another payload.' },
)
export type Replacement = Static<typeof Replacement>

export const Repair = Type.Object(
  {
    ids: optional(
      list(recordId, { description: 'Ids of records in the quarantine.', maxItems: LIMITS.repairedRecords }),
    ),
    fix: optional(
      Type.Enum(FIXES, {
        description: 'What the rules that have this fix do now, in place of their own action. Default: nothing else.',
      }),
    ),
    vector: optional(text('The vector that is fixed. Default: all vectors.')),
    replace: optional(
      list(Replacement, { description: 'Records with what is to be replaced.', maxItems: LIMITS.repairedRecords }),
    ),
  },
  { $id: 'Repair', description: 'Records of a quarantine that are to be stored, and how they are mended.' },
)
export type Repair = Static<typeof Repair>

export const RepairResult = Type.Object(
  {
    repaired: integer({ description: 'Records that are stored now, and no longer in the quarantine.' }),
    kept: integer({ description: 'Records that break a rule still, and stay in the quarantine.' }),
    absent: integer({ description: 'Ids without a record of the collection: it may be repaired already.' }),
    errors: Type.Array(
      Type.Object({
        id: text('The id of a record that stays.'),
        error: text('Why it stays.'),
        field: optional(text('The part of the record that is wrong.')),
        rule: optional(text('The rule that it breaks.')),
      }),
      { description: `The first ${LIMITS.ingestErrors} records that stay.` },
    ),
    watermark: optional(Type.String({ description: 'On a store: a read with `after` of this text sees the points.' })),
  },
  { $id: 'RepairResult', description: 'What became of the records.' },
)
export type RepairResult = Static<typeof RepairResult>

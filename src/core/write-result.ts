/** The answer to a write, declared once. */
import Type, { type Static } from 'typebox'
import { Cleaning } from './ingest.js'
import { integer, optional } from './vocabulary/declare.js'

/** The result of a write. */
export const WriteResult = Type.Object(
  {
    /** Sequence number of the operation in the collection's log. */
    operationId: integer({ description: "Sequence number of the operation in the collection's log." }),
    /** `completed`: applied and searchable. `acknowledged`: applied and searchable, in the log. */
    status: Type.Enum(['completed', 'acknowledged'], {
      description: 'Applied and searchable. `completed`: on stable storage. `acknowledged`: in the log.',
    }),
    /** The number of points removed by a completed `delete`. */
    deleted: optional(integer({ description: 'Points that a completed delete has removed.' })),
    /** On a store: a read that is given it as `after` sees this write, on every node. */
    watermark: optional(Type.String({ description: 'On a store: a read with `after` of this text sees the write.' })),
    /** Of an upsert into a collection with rules: their counts. */
    cleaning: optional(Cleaning),
  },
  { $id: 'UpdateResult', description: 'The result of a write.' },
)
export type WriteResult = Static<typeof WriteResult>

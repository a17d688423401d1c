/** How far a search goes, declared once. */
import Type, { type Static } from 'typebox'
import { LIMITS } from './limits.js'
import { FilterOf } from './query-leaves.js'
import { flag, integer, number, optional } from './vocabulary/declare.js'
import { isPlain } from './vocabulary/reader.js'

export const AcornParams = Type.Object(
  {
    enable: flag('No effect.'),
    maxSelectivity: optional(number({ description: 'No effect.', minimum: 0, maximum: 1 })),
  },
  {
    $id: 'AcornParams',
    description: 'Taken as Qdrant has it. A search goes from match to match wherever that costs least, asked or not.',
  },
)
export type AcornParams = Static<typeof AcornParams>

export const IdfParams = Type.Union([Type.Literal('global'), Type.Object({ corpus: FilterOf })], {
  $id: 'IdfParams',
  description: 'Points by which the rarity of an index is counted: all, or those that match a filter.',
  expected: '"global" or { corpus: a filter }',
  choose: (value: unknown) => (value === 'global' ? 0 : isPlain(value) && 'corpus' in value ? 1 : -1),
})
export type IdfParams = Static<typeof IdfParams>

export const QuantizationParams = Type.Object(
  {
    ignore: flag('Compares vectors themselves all the way. Default false.'),
    rescore: flag('`false`: scores come from codes alone, so they are estimates. Default true.'),
    oversampling: optional(
      number({
        description: 'Candidates scored exactly for each point wanted. Default: as many as recall takes.',
        minimum: 1,
        maximum: LIMITS.oversampling,
      }),
    ),
  },
  {
    $id: 'QuantizationParams',
    description:
      'How a search uses codes. By default codes lead, and as many candidates are scored exactly as recall takes.',
  },
)
export type QuantizationParams = Static<typeof QuantizationParams>

/** Declared for the stage too. */
export const recall = optional(
  number({
    description:
      'Mean share of the true neighbours that answers are to have. Default 0.95. How far the search goes for it is measured on the collection; 1 scans every vector. `hnswEf` overrides it.',
    maximum: 1,
    holds: (share: number) => share > 0,
    expected: 'a number above 0 and at most 1',
  }),
)

export const QueryParams = Type.Object(
  {
    hnswEf: optional(
      integer({
        description: 'Width of the beam: a fixed effort, instead of that which the recall asked for takes.',
        minimum: 1,
        maximum: LIMITS.ef,
      }),
    ),
    exact: flag('Scans every vector. Default false.'),
    indexedOnly: flag('Leaves out vectors that are in no graph yet. Default false.'),
    quantization: optional(QuantizationParams),
    idf: optional(IdfParams),
    acorn: optional(AcornParams),
    recall,
  },
  { $id: 'QueryParams', description: 'How far a search goes.' },
)
export type QueryParams = Static<typeof QueryParams>

/**
 * The rules of a collection for the points that it takes, declared once. A rule has a check and an action; the tables below
 * say which settings and fixes each check has.
 */
import Type, { type Static } from 'typebox'
import { LIMITS } from './limits.js'
import { integer, list, nullable, number, opaque, optional } from './vocabulary/declare.js'

export const CHECKS = [
  'finite',
  'zero',
  'dimension',
  'norm',
  'duplicate',
  'near_duplicate',
  'missing',
  'payload',
] as const
export type Check = (typeof CHECKS)[number]
export const RULE_ACTIONS = ['reject', 'quarantine', 'fix', 'flag'] as const
export type RuleAction = (typeof RULE_ACTIONS)[number]
export const FIXES = ['normalise', 'clamp', 'drop'] as const
export type Fix = (typeof FIXES)[number]
export const VALUE_TYPES = ['text', 'integer', 'number', 'boolean', 'array', 'object'] as const

/** The fixes of each check: none, or the first is the default where there is one only. */
export const FIXES_OF: Readonly<Record<Check, readonly Fix[]>> = {
  finite: ['clamp', 'drop'],
  zero: ['drop'],
  dimension: ['drop'],
  norm: ['normalise', 'clamp', 'drop'],
  duplicate: ['drop'],
  near_duplicate: ['drop'],
  missing: [],
  payload: ['clamp'],
}

/** The settings of each check, besides the settings of all rules. */
export const SETTINGS_OF: Readonly<Record<Check, readonly (keyof IngestionRule)[]>> = {
  finite: [],
  zero: [],
  dimension: [],
  norm: ['min', 'max'],
  duplicate: ['window'],
  near_duplicate: ['threshold'],
  missing: [],
  payload: ['key', 'type', 'required', 'enum', 'min', 'max'],
}

/** The key of the payload that has the names of the rules with the action `flag` that a point broke. */
export const FLAGS_KEY = 'quality_flags'
/** Counts rows that are no points of the collection, whatever its rules. No rule has the name. */
export const INVALID = 'invalid'

/** Adds to the count of a rule. None of 0 is made. */
export function addCount(counts: Record<string, number>, name: string, count: number): void {
  if (count === 0) return
  const value = (Object.hasOwn(counts, name) ? (counts[name] as number) : 0) + count
  // Unlike assignment, this makes a plain key of a rule called __proto__.
  Object.defineProperty(counts, name, { value, enumerable: true, configurable: true, writable: true })
}

const name = (description: string) =>
  optional(
    opaque<string>({
      description,
      type: 'string',
      accepts: (value) => typeof value === 'string' && value.length > 0 && value.length <= LIMITS.nameLength,
      expected: `a text of 1 to ${LIMITS.nameLength} characters`,
    }),
  )

export const IngestionRule = Type.Object(
  {
    name: name('Its name in counts, flags and reasons. Default: the check, with its vector or key, as `image.norm`.'),
    vector: optional(Type.String({ description: "The vector; the unnamed one is `''`. Default: all vectors." })),
    check: Type.Enum(CHECKS, { description: 'What is looked for.' }),
    action: Type.Enum(RULE_ACTIONS, {
      description:
        '`reject`: the point is refused and told. `quarantine`: it goes into the collection `quarantine`. `fix`: it is mended and stored. `flag`: it is stored with the name of the rule in `quality_flags`.',
    }),
    fix: optional(
      Type.Enum(FIXES, {
        description:
          '`normalise`: scales the vector to unit length. `clamp`: moves what is beyond a bound to the bound; it never mends NaN. `drop`: leaves the vector out.',
      }),
    ),
    min: optional(number({ description: 'Of `norm` and `payload`: the least value.' })),
    max: optional(number({ description: 'Of `norm` and `payload`: the greatest value.' })),
    window: optional(
      integer({
        description: `Of \`duplicate\`: rows of the source, before this one, that are compared. Default ${LIMITS.duplicateWindowDefault}.`,
        minimum: 1,
        maximum: LIMITS.duplicateWindow,
      }),
    ),
    threshold: optional(
      number({
        description:
          'Of `near_duplicate`: the score beyond which two vectors are the same: at least it for Cosine and Dot, at most it for Euclid and Manhattan.',
      }),
    ),
    key: name('Of `payload`: the path of the value.'),
    type: optional(Type.Enum(VALUE_TYPES, { description: 'Of `payload`: the type of the value.' })),
    required: optional(Type.Boolean({ description: 'Of `payload`: whether the value must be there. Default false.' })),
    enum: optional(
      list(
        opaque<string | number | boolean>({
          description: 'A text, a number, or true or false.',
          accepts: (value) => ['string', 'number', 'boolean'].includes(typeof value),
          expected: 'a text, a number, or true or false',
        }),
        { description: 'Of `payload`: the values that are allowed.', minItems: 1, maxItems: LIMITS.ruleEnum },
      ),
    ),
  },
  { $id: 'IngestionRule', description: 'One rule for the points that a collection takes.' },
)
export type IngestionRule = Static<typeof IngestionRule>

export const IngestionConfig = Type.Object(
  {
    quarantine: name(
      'The collection that takes points of rules with the action `quarantine`. Made where it is not there.',
    ),
    rules: list(IngestionRule, {
      description: 'The first rule that a point breaks decides, if it rejects or quarantines. Fixes and flags add up.',
      maxItems: LIMITS.ingestionRules,
    }),
    wholeBatches: optional(
      Type.Boolean({
        description:
          'Whether a point that is rejected or quarantined fails its whole write, as without rules. Streams store the others in any case. Default false.',
      }),
    ),
  },
  { $id: 'IngestionConfig', description: 'How the points that a collection takes are cleaned.' },
)
export type IngestionConfig = Static<typeof IngestionConfig>

/** The setting of a collection. A change replaces all rules; null removes them. */
export const INGESTION = { ingestion: optional(nullable(IngestionConfig)) }

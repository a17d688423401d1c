/** The language of formulas, declared once: the parser (src/filter/parse-formula.ts), the client and the document use it. */
import Type, { type TSchema } from 'typebox'
import { Condition, GeoPoint } from './filter.js'
import { LIMITS } from './limits.js'
import { type Given, number, optional, recursive } from './vocabulary/declare.js'
import { Keys } from './vocabulary/keys.js'
import { snakeCase } from './vocabulary/spelling.js'

/** A number, a variable (`$score`, `$score[1]` or a payload key), a condition (1 where it holds) or an operation. */
export type Expression =
  | number
  | string
  | Condition
  /** Metres to the position at a payload key. */
  | { geoDistance: { origin: GeoPoint; to: string } }
  /** Seconds since 1970 of a date-time: an RFC 3339 text or a Date. */
  | { datetime: string | Date }
  /** The same of the one at a payload key. */
  | { datetimeKey: string }
  | { mult: readonly Expression[] }
  | { sum: readonly Expression[] }
  | { neg: Expression }
  | { abs: Expression }
  | { div: Division }
  | { sqrt: Expression }
  | { pow: Power }
  | { exp: Expression }
  | { log10: Expression }
  | { ln: Expression }
  | { linDecay: Decay }
  | { expDecay: Decay }
  | { gaussDecay: Decay }

export const DEFAULT_SCALE = 1
export const DEFAULT_MIDPOINT = 0.5

const expression = recursive<Expression>((): TSchema => Expression)
const list = (description: string) =>
  Type.Array(expression, { description, maxItems: LIMITS.formulaExpressions, expected: 'an array of expressions' })
const path = (description: string) => Type.String({ description, maxLength: LIMITS.nameLength })

export const Division = Type.Object(
  {
    left: expression,
    right: expression,
    byZeroDefault: optional(number({ description: 'The quotient where `right` is 0; without it that is an error.' })),
  },
  { $id: 'DivParams', description: '`left` divided by `right`.' },
)
/** `left` over `right`. */
export type Division = Given<typeof Division>
export const Power = Type.Object(
  { base: expression, exponent: expression },
  {
    $id: 'PowParams',
    description: '`base` to the power of `exponent`.',
  },
)
/** `base` to the power of `exponent`. */
export type Power = Given<typeof Power>
export const Decay = Type.Object(
  {
    x: expression,
    target: optional(expression),
    scale: optional(number({ description: `Above 0. Default ${DEFAULT_SCALE}.`, default: DEFAULT_SCALE })),
    midpoint: optional(
      number({
        description: `From 0 to 1; above 0 and below 1 but in linear decay. Default ${DEFAULT_MIDPOINT}.`,
        default: DEFAULT_MIDPOINT,
      }),
    ),
  },
  {
    $id: 'DecayParamsExpression',
    description: '1 where `x` is `target` (default 0), and `midpoint` where they are `scale` apart.',
  },
)
/** 1 where `x` is `target`, and `midpoint` where they are `scale` apart. */
export type Decay = Given<typeof Decay>
export const GeoDistance = Type.Object(
  { origin: GeoPoint, to: path('The payload key of a position.') },
  { $id: 'GeoDistanceParams', description: 'Metres from `origin` to the position at a payload key.' },
)

/** The declaration of each operation's operands. */
export const OPERATIONS = {
  mult: list('The product.'),
  sum: list('The sum.'),
  neg: expression,
  abs: expression,
  div: Division,
  sqrt: expression,
  pow: Power,
  exp: expression,
  log10: expression,
  ln: expression,
  linDecay: Decay,
  expDecay: Decay,
  gaussDecay: Decay,
  datetime: Type.String({ description: 'An RFC 3339 date-time; its value is seconds since 1970.' }),
  datetimeKey: path('The payload key of such a date-time.'),
  geoDistance: GeoDistance,
} as const satisfies Record<string, TSchema>

export type Operation = keyof typeof OPERATIONS
const names = Object.keys(OPERATIONS) as Operation[]
const operationNames = new Keys({ properties: OPERATIONS })

/** The operation that an object with one key is; null of all else. */
export function operationIn(value: object): { readonly name: Operation; readonly key: string } | null {
  const [key, ...more] = Object.keys(value)
  const name = key === undefined || more.length > 0 ? undefined : operationNames.nameOf(key)
  return name === undefined ? null : { name: name as Operation, key: key as string }
}

const KINDS_OF_VALUES = 2
export const Expression = Type.Union(
  [
    Type.Number({ description: 'A 32-bit float.' }),
    Type.String({ description: 'A variable: `$score`, `$score[1]` (of the second prefetch) or a payload key.' }),
    ...names.map((name) => {
      const $id = `${snakeCase(name).replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())}Expression`
      return Type.Object({ [name]: OPERATIONS[name] }, { $id })
    }),
    Condition,
  ],
  {
    $id: 'Expression',
    description: `A number, a variable, a condition (1 where it holds) or an operation. At most ${LIMITS.formulaDepth} levels and ${LIMITS.formulaExpressions} expressions.`,
    isReadApart: true,
    choose: (value: unknown) => {
      if (typeof value === 'number') return 0
      if (value === null || typeof value !== 'object') return 1
      const operation = operationIn(value)
      return KINDS_OF_VALUES + (operation === null ? names.length : names.indexOf(operation.name))
    },
  },
)

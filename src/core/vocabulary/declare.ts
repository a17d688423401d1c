/**
 * How an object of the API is declared: a TypeBox schema with the library's names, and beside JSON Schema's own words
 * the few below. Types, readers, tellers and the OpenAPI document all come from the declaration.
 */
import Type, { type Static, type TInteger, type TNumber, type TSchema, type TUnsafe } from 'typebox'
import type { Keys } from './keys.js'
import { isPlain } from './plain.js'
import { snakeCase } from './spelling.js'

/** The words beside JSON Schema's. */
export interface Words {
  /** Names the expected value, where the bounds alone do not: "expected 0 or ...". */
  readonly expected?: string
  /** A rule that JSON Schema cannot say; a value that breaks it is beyond its bounds. */
  readonly holds?: (value: never) => boolean
  /** The wire's rule for a value beyond its bounds, where the bounds alone do not say it. */
  readonly rule?: string
  /** The part of the value that breaks the rule, as the paths of the wire's violations name it. */
  readonly part?: string
  /** Of a leaf: whether a value has its type. Without it any value has. */
  readonly accepts?: (value: unknown) => boolean
  /** Of a leaf: the schema that describes it in the document. */
  readonly as?: TSchema
  /** Of a property: this version does not support it, so a value of it is refused with 501. */
  readonly isMissing?: true
  /** Of a number: on the wire one beyond its bounds is a value of the wrong type. */
  readonly isOfType?: boolean
  /** Of an integer that the wire's type excludes zero of: a zero is a value of the wrong type there. */
  readonly isNonZero?: boolean
  /** Of an object: other spellings of its properties on the wire. */
  readonly aliases?: Readonly<Record<string, readonly string[]>>
  /** Of an object: the property that is meant by a key with this value, where the key alone does not tell; else undefined. */
  readonly respell?: (key: string, value: unknown) => string | undefined
  /** Of a union of objects with one key each: those keys. */
  readonly kinds?: readonly string[]
  /** Of a union: chooses the schema by which a value is read, where its type does not tell. */
  readonly choose?: (value: unknown) => number
  /** Of an object: an optional property that it needs beside its others, and lacks; else undefined. */
  readonly lacks?: (value: never) => string | undefined
  /** Of an object: where Qdrant's own type has a property, as the paths of the wire's violations say. */
  readonly within?: (name: string) => string
  /** Of an integer: larger ones, and bigints, are taken up to 64 bits, as the largest safe integer. */
  readonly isCount?: boolean
  /** Of an array: one item may stand for itself. It is read as an array of it. */
  readonly isOneOrMany?: boolean
  /** Of an optional property: null is a value of its own, and not the same as none. */
  readonly isNullable?: true
  /** A declaration that holds itself, and how often it may. */
  readonly nested?: Nested
  /** Of a union of objects: the keys of its last one, with those that tell the others. */
  readonly tellingKeys?: () => Keys
  /**
   * Of an object with a name (`$id`): it has a reader written by hand (`readBy`). Where that is not loaded, values pass
   * unread; they are told with the names of the wire, from either spelling.
   */
  readonly isReadApart?: boolean
  /** The declaration that is meant, asked for when it is used: for one that holds itself and has a reader by hand. */
  readonly of?: () => TSchema
}

export interface Nested {
  readonly of: () => TSchema
  readonly depth: number
  readonly inAll: number
  /** The name of several. */
  readonly what: string
}

interface Described {
  readonly description: string
}
interface Counts {
  readonly minItems?: number
  readonly maxItems?: number
}
type Range = Described & Words & { readonly minimum?: number; readonly maximum?: number; readonly default?: number }

/** An unsigned integer of up to 53 bits, unless a range is given. */
export function integer(options: Range): TInteger {
  return Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, ...options })
}

/** How many: any number of 64 bits. */
export function count(options: Range): TInteger {
  return integer({ isCount: true, ...options })
}

export function number(options: Range): TNumber {
  return Type.Number({ ...options })
}

export function optional<T extends TSchema>(schema: T) {
  return Type.Optional(schema)
}

/** Objects by a name that the caller made up, which is never respelled. */
export function byName<T extends TSchema>(schema: T, options: Described & Words & { maxProperties?: number }) {
  return Type.Record(Type.String(), schema, { ...options })
}

export function flag(description: string) {
  return Type.Optional(Type.Boolean({ description }))
}

export function text(description: string) {
  return Type.String({ description })
}

/** A value as a caller gives it: an optional property may be null too. */
export type Given<T extends TSchema> = Nullable<Static<T>>
export type Nullable<T> = { [K in keyof T]: undefined extends T[K] ? T[K] | null : T[K] }

/** An array that is not changed. */
export function list<T extends TSchema>(item: T, options: Described & Words & Counts): TUnsafe<readonly Static<T>[]> {
  return Type.Array(item, { ...options }) as never
}

/** One item, or an array of items. Either is read as an array. */
export function oneOrMany<T extends TSchema>(
  item: T,
  options: Described & Words,
): TUnsafe<Static<T> | readonly Static<T>[]> {
  return Type.Array(item, { isOneOrMany: true, ...options }) as never
}

/** A declaration that holds itself. */
export function nested<T>(nested: Nested): TUnsafe<T> {
  return Type.Unsafe<T>({ nested })
}

/** A property of which null is a value of its own. */
export function nullable<T extends TSchema>(schema: T): TUnsafe<Static<T> | null> {
  return Type.Unsafe<Static<T> | null>({ of: () => schema, isNullable: true })
}

/** A declaration that is made later, since it holds this one. */
export function recursive<T>(of: () => TSchema): TUnsafe<T> {
  return Type.Unsafe<T>({ of })
}

/** The declaration itself. */
export function resolved(schema: TSchema & Words): TSchema & Words {
  return schema.of ? resolved(schema.of()) : schema
}

/** A value that passes as it is: `accepts` checks its type, its user the rest. */
export function opaque<T>(
  options: Described & Words & { readonly type?: string | string[]; readonly $id?: string },
): TUnsafe<T> {
  return Type.Unsafe<T>({ ...options })
}

/** A property of Qdrant that this version lacks. The library does not know it. */
export function missing(description: string) {
  return Type.Optional(Type.Unsafe<undefined>({ description: `${description} Refused with 501.`, isMissing: true }))
}

type OneOf<P extends Record<string, TSchema>> = { [K in keyof P]: { [Key in K]: Static<P[K]> } }[keyof P]

/** An object with exactly one of these keys, which says the kind of its value. */
export function oneOf<P extends Record<string, TSchema>>(kinds: P, options: Described & { readonly $id?: string }) {
  const names = Object.keys(kinds)
  const spellings = names.flatMap((name, at) => [...new Set([name, snakeCase(name)])].map((key) => [key, at] as const))
  const choose = (value: unknown) => {
    if (!isPlain(value)) return -1
    const given = spellings.filter(([spelling]) => value[spelling] !== undefined && value[spelling] !== null)
    return given.length === 1 ? (given[0]?.[1] as number) : -1
  }
  const branches = names.map((name) => Type.Object({ [name]: kinds[name] as TSchema }))
  return Type.Union(branches, { ...options, kinds: names, choose }) as unknown as TUnsafe<OneOf<P>>
}

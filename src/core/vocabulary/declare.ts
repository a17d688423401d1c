/**
 * How an object of the API is declared: a TypeBox schema with the library's names, and beside JSON Schema's own words
 * the few below. Types, readers, tellers and the OpenAPI document all come from the declaration.
 */
import Type, { type TInteger, type TNumber, type TSchema, type TUnsafe } from 'typebox'
import type { Keys } from './keys.js'

/** The words beside JSON Schema's. */
export interface Words {
  /** Says what is expected, where the bounds alone do not: "expected 0 or ...". */
  readonly expected?: string
  /** A rule that JSON Schema cannot say; a value that breaks it is beyond its bounds. */
  readonly holds?: (value: never) => boolean
  /** Of a number: on the wire one beyond its bounds is a value of the wrong type. */
  readonly isOfType?: boolean
  /** Of an integer that the wire's type excludes zero of: a zero is a value of the wrong type there. */
  readonly isNonZero?: boolean
  /** Of an object: other spellings of its properties on the wire. */
  readonly aliases?: Readonly<Record<string, readonly string[]>>
  /** Of an object: the property that is meant by a key with this value, where the key alone does not tell; else undefined. */
  readonly respell?: (key: string, value: unknown) => string | undefined
  /** Of a union: which of its schemas a value is read by, where its type does not tell. */
  readonly choose?: (value: unknown) => number
  /** Of a union of objects: the keys of its last one, with those that tell the others. */
  readonly tellingKeys?: () => Keys
  /**
   * Of an object with a name (`$id`): it has a reader written by hand (`readBy`). Where that is not loaded, values pass
   * unread; they are told with the names of the wire, from either spelling.
   */
  readonly isReadApart?: boolean
  /** The declaration that is meant, asked for when it is used: for one that holds itself. */
  readonly of?: () => TSchema
}

interface Described {
  readonly description: string
}
type Range = Described & Words & { readonly minimum?: number; readonly maximum?: number; readonly default?: number }

/** An unsigned integer of up to 53 bits, unless a range is given. */
export function integer(options: Range): TInteger {
  return Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, ...options })
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

/** A value that passes as it is, and is checked by its user; `schema` describes it in the document. */
export function opaque<T>(options: Described & Words & { readonly type?: string | string[] }): TUnsafe<T> {
  return Type.Unsafe<T>({ ...options })
}

/** A declaration that is made later, since it holds this one. */
export function recursive<T>(of: () => TSchema): TUnsafe<T> {
  return Type.Unsafe<T>({ of })
}

/** The declaration itself. */
export function resolved(schema: TSchema & Words): TSchema & Words {
  return schema.of ? resolved(schema.of()) : schema
}

/** Options of reads as bodies of the service: read and told by their declarations. */
import type { TSchema } from 'typebox'
import { given, LIBRARY_LEAVES } from '../core/given-options.js'
import { checkDocument } from '../core/known-points.js'
import type { NamedVector } from '../core/point.js'
import { leaf, VectorInput } from '../core/query-leaves.js'
import type { ReadOptions } from '../core/read-options.js'
import { isSparseVector } from '../core/sparse.js'
import type { Leaves } from '../core/vocabulary/reading.js'
import { tell } from '../core/vocabulary/teller.js'
import { isVector, vectorBody } from './requests.js'

/** Vectors travel as bins. */
export const CLIENT_LEAVES: Leaves = new Map([
  ...LIBRARY_LEAVES,
  [
    VectorInput,
    leaf((value, field) => {
      if (!isVector(value) && !isSparseVector(value)) checkDocument(value, field())
      return vectorBody(value as NamedVector, field())
    }),
  ],
])

/** Options as the declaration reads them, with vectors as they travel. */
export function readAs<O>(declaration: TSchema, options: unknown): O {
  return given(declaration, options, CLIENT_LEAVES) as O
}

/** The body of options that were read. The library returns payloads unless told otherwise; on the wire a query does not. */
export function bodyOf(declaration: TSchema, options: object, more: object = {}): object {
  const { withPayload = true } = options as ReadOptions
  return { ...(tell(declaration, { ...options, withPayload }) as object), ...more }
}

import {
  PayloadFieldSchema,
  type PayloadIndexKind,
  type PayloadIndexOptions,
  type PayloadIndexParams,
} from '../core/payload-index.js'
import { read } from '../core/vocabulary/reader.js'
import { tell } from '../core/vocabulary/teller.js'
import type { WireObject } from './fields.js'

/** Of an answer. */
export function indexParamsOf(type: PayloadIndexKind, params: WireObject): PayloadIndexParams {
  const { type: _, ...known } = read(PayloadFieldSchema, { ...params, type }, 'wire', 'params') as PayloadIndexOptions
  return known
}

export function wireIndexSchema(schema: PayloadIndexKind | PayloadIndexOptions): unknown {
  return tell(PayloadFieldSchema, schema)
}

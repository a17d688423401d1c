import {
  PayloadFieldSchema,
  type PayloadIndexKind,
  type PayloadIndexOptions,
  type PayloadIndexParams,
  PayloadIndexRequest,
} from '../core/payload-index.js'
import { read } from '../core/vocabulary/reader.js'
import { tell } from '../core/vocabulary/teller.js'
import { mistyped, type WireObject } from './fields.js'

export function payloadIndexOf(body: unknown): { field: string; schema: PayloadIndexKind | PayloadIndexOptions } {
  const { fieldName, fieldSchema } = read(PayloadIndexRequest, body, 'wire', 'body')
  if (fieldSchema === undefined) throw mistyped('field_schema', 'a value', null)
  return { field: fieldName, schema: fieldSchema }
}

/** Of an answer. */
export function indexParamsOf(type: PayloadIndexKind, params: WireObject): PayloadIndexParams {
  const { type: _, ...known } = read(PayloadFieldSchema, { ...params, type }, 'wire', 'params') as PayloadIndexOptions
  return known
}

export function wireIndexSchema(schema: PayloadIndexKind | PayloadIndexOptions): unknown {
  return tell(PayloadFieldSchema, schema)
}

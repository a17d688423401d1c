import { invalid } from '../core/errors.js'
import {
  PAYLOAD_INDEX_KINDS,
  PAYLOAD_INDEX_PARAMS,
  type PayloadIndexKind,
  type PayloadIndexOptions,
  type PayloadIndexParams,
  wireName,
} from '../core/payload-index.js'
import { isObject, isPresent, textAt, type WireObject } from './fields.js'

/** `field_schema` is the kind itself, or an object with the kind as its `type`. Unknown keys of it are ignored. */
export function payloadIndexOf(body: WireObject): { field: string; schema: PayloadIndexKind | PayloadIndexOptions } {
  const field = textAt(body.field_name, 'field_name')
  // As in Qdrant, `field_type` is another name.
  const schema = body.field_schema ?? body.field_type
  const kind = textAt(isObject(schema) ? schema.type : schema, 'field_schema') as PayloadIndexKind
  if (!PAYLOAD_INDEX_KINDS.includes(kind)) {
    throw invalid('field_schema', `expected one of ${PAYLOAD_INDEX_KINDS.join(', ')}`, kind)
  }
  return { field, schema: isObject(schema) ? { type: kind, ...indexParamsOf(kind, schema) } : kind }
}

/** As they came: the engine knows what each of them may be. */
export function indexParamsOf(kind: PayloadIndexKind, schema: WireObject): PayloadIndexParams {
  const given = PAYLOAD_INDEX_PARAMS[kind].flatMap((param) => {
    const value = schema[wireName(param)]
    return isPresent(value) ? [[param, value]] : []
  })
  return Object.fromEntries(given) as PayloadIndexParams
}

export function wireIndexSchema(schema: PayloadIndexKind | PayloadIndexOptions): unknown {
  if (typeof schema === 'string' || !isObject(schema)) return schema
  return Object.fromEntries(Object.entries(schema).map(([param, value]) => [wireName(param), value]))
}

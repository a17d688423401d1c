/** Bodies that make or change a collection, by their declaration. */
import { CollectionOptions, ConfigChange, VectorNameConfig } from '../core/schema.js'
import { read } from '../core/vocabulary/reader.js'
import type { WireObject } from './fields.js'

const BODY = 'body'

export function collectionOf(body: WireObject): CollectionOptions {
  return read(CollectionOptions, body, 'wire', BODY)
}

export function configChangeOf(body: WireObject): ConfigChange {
  return read(ConfigChange, body, 'wire', BODY)
}

/** Settings that Qdrant takes for new collections alone are understood here too. */
export function vectorNameConfigOf(body: WireObject): VectorNameConfig {
  return read(VectorNameConfig, body, 'wire', BODY)
}

import { COLLECTION_PARTS } from '../../src/core/memory.js'
import type { PayloadIndexKind, PayloadIndexOptions } from '../../src/core/payload-index.js'
import { type CollectionConfig, type CollectionInfo, isIndexing } from '../../src/core/schema.js'
import { configWarnings } from '../../src/engine/config/config-warnings.js'
import type { MemoryPoint } from './memory-points.js'

export function infoOf(
  name: string,
  config: CollectionConfig,
  points: readonly MemoryPoint[],
  indexes: ReadonlyMap<string, PayloadIndexKind | PayloadIndexOptions>,
): CollectionInfo {
  const vectors = points.reduce((sum, point) => sum + point.vectors.size, 0)
  const payloadSchema: CollectionInfo['payloadSchema'] = {}
  for (const [field, schema] of indexes) {
    const indexed = points.filter((point) => Object.hasOwn(point.payload, field))
    const { type: kind, ...params } = typeof schema === 'string' ? { type: schema } : schema
    payloadSchema[field] = { kind, points: indexed.length, ...(typeof schema === 'string' ? {} : { params }) }
  }
  return {
    name,
    status: 'green',
    optimizerStatus: 'ok',
    pointsCount: points.length,
    indexedVectorsCount: isIndexing(config) ? vectors : 0,
    vectorsCount: vectors,
    segmentsCount: 1,
    config,
    payloadSchema,
    logBytes: 0,
    tailBytes: 0,
    updateQueue: { length: 0 },
    recall: {},
    memory: nowhere(),
    warnings: configWarnings(config),
  }
}

/** The oracle keeps points in maps and does not count their memory. */
function nowhere(): CollectionInfo['memory'] {
  const none = { bytes: 0, residentBytes: 0, cacheBytes: 0 }
  const parts = Object.fromEntries(COLLECTION_PARTS.map((part) => [part, none]))
  return { ...parts, vectors: {}, total: none, process: {} } as unknown as CollectionInfo['memory']
}

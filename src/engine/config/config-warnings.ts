import type { CollectionConfig, ResolvedVector } from '../../core/schema.js'

/** Settings that Qdrant warns of, in its words: it has `inlineStorage` for quantized vectors alone. */
export function configWarnings(config: CollectionConfig): string[] {
  return config.vectors.flatMap((vector) => {
    const why = inlineStorageTrouble(vector, config)
    if (why === null) return []
    const option = `The \`hnsw_config.inline_storage\` option for vector '${vector.name}'`
    return [`${option} ${why}. This option will be ignored.`]
  })
}

function inlineStorageTrouble(
  { overrides, multivectorConfig }: ResolvedVector,
  { hnswConfig, quantization }: CollectionConfig,
): string | null {
  if (!(overrides.hnswConfig?.inlineStorage ?? hnswConfig.inlineStorage)) return null
  if (multivectorConfig) return 'is not compatible with multivectors'
  const isQuantized = [overrides.quantization, quantization].some((codes) => codes && !UNASKED.has(codes))
  return isQuantized ? null : 'requires quantization to be enabled'
}

/** Codes that no caller asked for. */
const UNASKED: ReadonlySet<string> = new Set(['auto', 'none'])

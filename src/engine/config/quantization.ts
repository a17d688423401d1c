/** Chooses the codes for a configuration: one of ours by name, or the nearest to Qdrant's setting. */
import type { Quantization, QuantizationConfig, VectorChange } from '../../core/schema.js'

/**
 * Codes of the asked size. If there are none of that size, the next larger ones are taken, so that no recall is lost.
 */
const BY_COMPRESSION = { x4: 'sq8', x8: 'rabitq4', x16: 'rabitq4', x32: 'rabitq1', x64: 'rabitq1' } as const
const BY_ENCODING = { one_bit: 'rabitq1', one_and_half_bits: 'rabitq4', two_bits: 'rabitq4' } as const
const BY_BITS = { bits1: 'rabitq1', bits1_5: 'rabitq4', bits2: 'rabitq4', bits4: 'rabitq4' } as const

/** The setting in both spellings: our name and Qdrant's object. */
export interface AskedQuantization {
  quantization: Quantization
  quantizationConfig: QuantizationConfig | null
}

/** null if the caller set neither spelling. */
export function askedQuantization(options: Pick<VectorChange, 'quantization' | 'quantizationConfig'>) {
  const { quantization, quantizationConfig } = options
  if (quantizationConfig === undefined) return quantization ? { quantization, quantizationConfig: null } : null
  if (quantizationConfig === 'Disabled') return { quantization: 'none' as const, quantizationConfig: null }
  return { quantization: codesOf(quantizationConfig), quantizationConfig } satisfies AskedQuantization
}

function codesOf(config: QuantizationConfig): Quantization {
  if ('scalar' in config) return 'sq8'
  if ('product' in config) return BY_COMPRESSION[config.product.compression]
  if ('binary' in config) return BY_ENCODING[config.binary.encoding ?? 'one_bit']
  return BY_BITS[config.turbo.bits ?? 'bits4']
}

import type { MemoryPlacement } from './memory.js'

/** Which codes lead the searches of a vector: `auto` is by measurement, the others are by name. */
export const QUANTIZATIONS = ['auto', 'none', 'sq8', 'rabitq4', 'rabitq1'] as const
export type Quantization = (typeof QUANTIZATIONS)[number]

interface CodePlacement {
  always_ram?: boolean
  memory?: MemoryPlacement
}
export interface ScalarQuantization {
  scalar: CodePlacement & { type: 'int8'; quantile?: number }
}
export interface ProductQuantization {
  product: CodePlacement & { compression: 'x4' | 'x8' | 'x16' | 'x32' | 'x64' }
}
export interface BinaryQuantization {
  binary: CodePlacement & {
    encoding?: 'one_bit' | 'two_bits' | 'one_and_half_bits'
    query_encoding?: 'default' | 'binary' | 'scalar4bits' | 'scalar8bits'
  }
}
export interface TurboQuantization {
  turbo: CodePlacement & { bits?: 'bits1' | 'bits1_5' | 'bits2' | 'bits4' }
}

/**
 * The same wish in the words of Qdrant's REST API. It is answered by the codes there are of that size (docs/wire.md
 * has the table), and told again as it was given.
 */
export type QuantizationConfig = ScalarQuantization | ProductQuantization | BinaryQuantization | TurboQuantization

/** One of the two ways to say it, or neither: then the collection's holds, and without that `auto`. */
export interface QuantizationOptions {
  quantization?: Quantization
  quantizationConfig?: QuantizationConfig
}

/** In a change, Qdrant's word for none. */
export interface QuantizationChange {
  quantization?: Quantization
  quantizationConfig?: QuantizationConfig | 'Disabled'
}

/** Where the codes of a configuration are to be. `always_ram` is the older word for pinned. */
export function codePlacement(config: QuantizationConfig | null | undefined): MemoryPlacement {
  const settings = Object.values(config ?? {})[0] as { always_ram?: boolean; memory?: MemoryPlacement } | undefined
  return settings?.memory ?? (settings?.always_ram ? 'pinned' : 'cached')
}

/** Quantization as it is asked for: by our names, or in the words of Qdrant, for which the nearest codes are taken. */
import { invalid } from '../../core/errors.js'
import { MEMORY_PLACEMENTS } from '../../core/memory.js'
import {
  QUANTIZATIONS,
  type Quantization,
  type QuantizationChange,
  type QuantizationConfig,
} from '../../core/quantization.js'

/** Codes of the size asked for; where there are none of it, of the next size above, so that no recall is lost. */
const BY_COMPRESSION = { x4: 'sq8', x8: 'rabitq4', x16: 'rabitq4', x32: 'rabitq1', x64: 'rabitq1' } as const
const BY_ENCODING = { one_bit: 'rabitq1', one_and_half_bits: 'rabitq4', two_bits: 'rabitq4' } as const
const BY_BITS = { bits1: 'rabitq1', bits1_5: 'rabitq4', bits2: 'rabitq4', bits4: 'rabitq4' } as const
const QUERY_ENCODINGS = ['default', 'binary', 'scalar4bits', 'scalar8bits'] as const
const KINDS = ['scalar', 'product', 'binary', 'turbo'] as const
const LEAST_QUANTILE = 0.5

/** What is asked for, in both ways; null where nothing is. */
export interface AskedQuantization {
  quantization: Quantization
  quantizationConfig: QuantizationConfig | null
}

export function askedQuantization(options: QuantizationChange, prefix: string): AskedQuantization | null {
  const { quantization, quantizationConfig } = options
  const field = `${prefix}quantization_config`
  if (quantizationConfig === undefined || quantizationConfig === null) {
    if (quantization === undefined || quantization === null) return null
    return { quantization: oneOf(quantization, QUANTIZATIONS, `${prefix}quantization`), quantizationConfig: null }
  }
  if (quantization !== undefined && quantization !== null) {
    throw invalid(field, 'expected quantization or quantization_config, got both')
  }
  if (quantizationConfig === 'Disabled') return { quantization: 'none', quantizationConfig: null }
  return readConfig(quantizationConfig, field)
}

type Fields = Record<string, unknown>

/** Keeps what the description of the API knows, so that what is told again is what it allows. */
function readConfig(value: unknown, field: string): AskedQuantization {
  const given = objectOf(value, field)
  const kinds = KINDS.filter((kind) => isPresent(given[kind]))
  const [kind] = kinds
  if (kind === undefined || kinds.length > 1) throw invalid(field, `expected one of ${KINDS.join(', ')}`, value)
  const inside = `${field}.${kind}`
  const settings = objectOf(given[kind], inside)
  const placement = placementOf(settings, inside)
  switch (kind) {
    case 'scalar': {
      const type = oneOf(settings.type, ['int8'] as const, `${inside}.type`)
      const quantile = quantileOf(settings.quantile, `${inside}.quantile`)
      return { quantization: 'sq8', quantizationConfig: { scalar: { type, ...quantile, ...placement } } }
    }
    case 'product': {
      const compression = keyOf(settings.compression, BY_COMPRESSION, `${inside}.compression`)
      return {
        quantization: BY_COMPRESSION[compression],
        quantizationConfig: { product: { compression, ...placement } },
      }
    }
    case 'binary': {
      const encoding = isPresent(settings.encoding)
        ? { encoding: keyOf(settings.encoding, BY_ENCODING, `${inside}.encoding`) }
        : {}
      const query = isPresent(settings.query_encoding)
        ? { query_encoding: oneOf(settings.query_encoding, QUERY_ENCODINGS, `${inside}.query_encoding`) }
        : {}
      return {
        quantization: BY_ENCODING[encoding.encoding ?? 'one_bit'],
        quantizationConfig: { binary: { ...encoding, ...query, ...placement } },
      }
    }
    case 'turbo': {
      const bits = isPresent(settings.bits) ? { bits: keyOf(settings.bits, BY_BITS, `${inside}.bits`) } : {}
      return { quantization: BY_BITS[bits.bits ?? 'bits4'], quantizationConfig: { turbo: { ...bits, ...placement } } }
    }
  }
}

function placementOf(settings: Fields, field: string) {
  const { always_ram: alwaysRam, memory } = settings
  if (isPresent(alwaysRam) && typeof alwaysRam !== 'boolean') {
    throw invalid(`${field}.always_ram`, 'expected true or false', alwaysRam)
  }
  return {
    ...(typeof alwaysRam === 'boolean' ? { always_ram: alwaysRam } : {}),
    ...(isPresent(memory) ? { memory: oneOf(memory, MEMORY_PLACEMENTS, `${field}.memory`) } : {}),
  }
}

function quantileOf(value: unknown, field: string): { quantile?: number } {
  if (!isPresent(value)) return {}
  if (typeof value !== 'number' || !(value >= LEAST_QUANTILE && value <= 1)) {
    throw invalid(field, `expected a number from ${LEAST_QUANTILE} to 1`, value)
  }
  return { quantile: value }
}

function keyOf<T extends string>(value: unknown, table: Readonly<Record<T, Quantization>>, field: string): T {
  return oneOf(value, Object.keys(table) as T[], field)
}

function oneOf<const T extends string>(value: unknown, choices: readonly T[], field: string): T {
  if (!choices.includes(value as T)) throw invalid(field, `expected one of ${choices.join(', ')}`, value ?? null)
  return value as T
}

function objectOf(value: unknown, field: string): Fields {
  if (value === null || typeof value !== 'object' || Array.isArray(value) || ArrayBuffer.isView(value)) {
    throw invalid(field, 'expected an object', value ?? null)
  }
  return value as Fields
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null
}

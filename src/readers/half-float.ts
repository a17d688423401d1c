const FRACTION_BITS = 10
const FRACTION_MASK = 0x3ff
const EXPONENT_MASK = 0x1f
const BIAS = 15
const SMALLEST_STEP = 2 ** -24

/** The number of an IEEE 754 half with these 16 bits. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> FRACTION_BITS) & EXPONENT_MASK
  const fraction = bits & FRACTION_MASK
  if (exponent === 0) return sign * fraction * SMALLEST_STEP
  if (exponent === EXPONENT_MASK) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return sign * 2 ** (exponent - BIAS) * (1 + fraction / 1024)
}

import { invalid } from '../../src/core/errors.js'
import type { Condition } from '../../src/core/filter.js'
import type { Decay, Expression } from '../../src/core/formula.js'
import type { FormulaQuery } from '../../src/core/query.js'
import { matchesFilter } from './filter-oracle.js'
import { valuesOf } from './memory-payload.js'
import type { MemoryPoint } from './memory-points.js'

/** The value of a formula for one point, given its score in each prefetch. */
export function formulaValue(
  { formula, defaults }: FormulaQuery,
  point: MemoryPoint,
  scores: (number | undefined)[],
): number {
  const payload = (key: string, isOfKind: (value: unknown) => boolean): unknown => {
    const values = valuesOf(point.payload, key).filter(isOfKind)
    return values.length === 0 ? defaults?.[key] : values.length === 1 ? values[0] : values
  }
  const decay = (name: string, { x, target, scale, midpoint }: Decay): number => {
    const [far, wide, middle] = [value(x) - value(target ?? 0), scale ?? 1, midpoint ?? 0.5]
    if (name === 'linDecay') return Math.max(0, 1 - ((1 - middle) / wide) * Math.abs(far))
    return name === 'expDecay' ? middle ** (Math.abs(far) / wide) : middle ** ((far / wide) ** 2)
  }
  function value(expression: Expression): number {
    if (typeof expression === 'number') return Math.fround(expression)
    if (typeof expression === 'string') return variable(expression)
    const [key, operand] = Object.entries(expression)[0] as [string, never]
    // The wire's spelling is understood too.
    const name = key.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())
    const parts = operand as Record<string, Expression>
    switch (name) {
      case 'sum':
        return (operand as Expression[]).reduce<number>((total, one) => total + value(one), 0)
      case 'mult':
        return (operand as Expression[]).reduce<number>((total, one) => (total === 0 ? 0 : total * value(one)), 1)
      case 'neg':
        return -value(operand)
      case 'abs':
        return Math.abs(value(operand))
      case 'sqrt':
        return finite(Math.sqrt(value(operand)))
      case 'exp':
        return finite(Math.exp(value(operand)))
      case 'ln':
        return finite(Math.log(value(operand)))
      case 'log10':
        return finite(Math.log10(value(operand)))
      case 'pow':
        return finite(value(parts.base as Expression) ** value(parts.exponent as Expression))
      case 'div': {
        const left = value(parts.left as Expression)
        if (left === 0) return 0
        const right = value(parts.right as Expression)
        const { byZeroDefault, by_zero_default: byZero = byZeroDefault } = parts as Record<string, unknown>
        return right === 0 && typeof byZero === 'number' ? Math.fround(byZero) : finite(left / right)
      }
      case 'datetime':
        return Date.parse(operand) / 1000
      case 'datetimeKey':
        return Date.parse(payload(operand, isDate) as string) / 1000
      case 'linDecay':
      case 'expDecay':
      case 'gaussDecay':
        return decay(name, operand as Decay)
      case 'geoDistance':
        return metres((operand as { origin: Place }).origin, payload((operand as { to: string }).to, isPlace) as Place)
      default: {
        const seen = { id: point.id, payload: point.payload, vectorNames: [...point.vectors.keys()] }
        return matchesFilter({ must: expression as Condition }, seen) ? 1 : 0
      }
    }
  }
  function variable(name: string): number {
    const found = /^\$score(?:\[(\d+)\])?$/.exec(name)
    if (found) return scores[Number(found[1] ?? 0)] ?? (defaults?.[name] as number | undefined) ?? 0
    const number = payload(name, (value) => typeof value === 'number')
    if (typeof number !== 'number') throw invalid('formula', `Expected number value for ${name}`)
    return number
  }
  return value(formula)
}

function isDate(value: unknown): boolean {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value))
}

function isPlace(value: unknown): boolean {
  return typeof (value as Place | null)?.lat === 'number' && typeof (value as Place).lon === 'number'
}

interface Place {
  lat: number
  lon: number
}

/** By the angle between the two directions, not by the product's haversine formula. */
function metres(a: Place, b: Place): number {
  const direction = ({ lat, lon }: Place) => {
    const [phi, theta] = [(lat * Math.PI) / 180, (lon * Math.PI) / 180]
    return [Math.cos(phi) * Math.cos(theta), Math.cos(phi) * Math.sin(theta), Math.sin(phi)] as const
  }
  const [p, q] = [direction(a), direction(b)]
  const chord = Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2])
  return 2 * 6_371_008.8 * Math.asin(Math.min(1, chord / 2))
}

function finite(value: number): number {
  if (!Number.isFinite(value)) throw invalid('formula', `produced a non-finite number: ${value}`)
  return value
}

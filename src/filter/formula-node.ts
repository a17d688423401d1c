import type { FilterNode } from './node.js'
import type { PathStep } from './path.js'

/** A formula whose form was checked. The parser bounds its depth by LIMITS.formulaDepth. */
export interface Formula {
  root: FormulaNode
  /** Conditions by position; each yields 1 if the point passes, else 0. */
  conditions: FilterNode[]
  /** Paths of payload variables, keyed by their name in the nodes. */
  variables: Map<string, PathStep[]>
  scoreDefaults: Map<number, number>
  payloadDefaults: Map<string, unknown>
}

export type DecayKind = 'lin' | 'exp' | 'gauss'
export type UnaryOperator = 'neg' | 'abs' | 'sqrt' | 'exp' | 'log10' | 'ln'

export type FormulaNode =
  | { op: 'constant'; value: number }
  | { op: 'score'; prefetch: number }
  | { op: 'payload' | 'datetimeKey'; key: string }
  | { op: 'condition'; condition: number }
  | { op: 'geoDistance'; lat: number; lon: number; key: string }
  | { op: 'mult' | 'sum'; operands: FormulaNode[] }
  | { op: UnaryOperator; operand: FormulaNode }
  | { op: 'div'; left: FormulaNode; right: FormulaNode; byZeroDefault: number | null }
  | { op: 'pow'; base: FormulaNode; exponent: FormulaNode }
  | { op: 'decay'; kind: DecayKind; x: FormulaNode; target: FormulaNode | null; lambda: number }

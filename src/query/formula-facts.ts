import { type FilteredField, type FilterFacts, factsOf, plainKey } from '../filter/filter-facts.js'
import type { PathStep } from '../filter/path.js'
import type { Formula, FormulaNode } from './formula.js'

const KINDS = { payload: ['float', 'integer'], geoDistance: ['geo'], datetimeKey: ['datetime'] } as const

/** Facts about a formula for strict mode: its conditions, as those of a filter, and its variables. */
export function formulaFacts({ root, conditions, variables }: Formula): FilterFacts {
  const facts = factsOf(conditions)
  return { ...facts, fields: [...facts.fields, ...variablesIn(root, variables)] }
}

function variablesIn(node: FormulaNode, paths: ReadonlyMap<string, PathStep[]>): FilteredField[] {
  if ('key' in node) return [{ key: plainKey(paths.get(node.key) as PathStep[]), kinds: KINDS[node.op] }]
  return operandsOf(node).flatMap((operand) => variablesIn(operand, paths))
}

function operandsOf(node: Exclude<FormulaNode, { key: string }>): FormulaNode[] {
  switch (node.op) {
    case 'constant':
    case 'score':
    case 'condition':
      return []
    case 'mult':
    case 'sum':
      return node.operands
    case 'div':
      return [node.left, node.right]
    case 'pow':
      return [node.base, node.exponent]
    case 'decay':
      return node.target ? [node.x, node.target] : [node.x]
    default:
      return [node.operand]
  }
}

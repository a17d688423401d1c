import { turnBudget } from '../core/turn-budget.js'
import { addon } from './load.js'

/** From now on this thread keeps short searches, in the library and in the kernel: see TurnBudget. */
export function keepSearches(): void {
  turnBudget.keepSearches()
  addon().keepSearches()
}

import { render } from 'preact'
import { Shell } from './shell'
import './style.css'
import './pages.css'

render(<Shell />, document.getElementById('console') as HTMLElement)

// The page for signing in. It is as dark or light as the dashboard.
import {watchTheme} from './theme.js';

watchTheme(() => {});

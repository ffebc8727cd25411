// The page of who is not signed in, as dark or light as the dashboard.
import {watchTheme} from './theme.js';

watchTheme(() => {});

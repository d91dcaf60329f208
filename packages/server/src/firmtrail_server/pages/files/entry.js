// All that our pages do beyond HTML. Each works without.

import "./time_bar.js";
import "./live.js";
import "./keyboard.js";
import "./copy.js";

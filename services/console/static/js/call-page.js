// The page of one call, opened by itself.
import { watchCalls } from "./call.js";

watchCalls();

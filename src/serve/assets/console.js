// Sends the one form of the page that leads into the AWS console. Without scripts its button does.
document.getElementById("console").submit();
